"""What `expand` asks of an instance: builds, demand, contracts, money, futures, named plans."""
