"""Commands that ask more of a mix: studies, named mixes side by side, shares of time."""
