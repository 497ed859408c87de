"""What is bought and for what: offers, demand, limits, and what follows from them."""
