"""Batteries and demand charges in the engines: prices, schedules, whole watts, a search's view."""
