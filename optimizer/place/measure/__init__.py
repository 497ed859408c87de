"""What every plan reaches by the measure of each goal, and what proves that none does better."""
