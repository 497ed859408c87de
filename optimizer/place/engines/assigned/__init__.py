"""Which mode each job has, where all run in one period: the compiled moves."""
