"""Why a build or a contract is not in a plan, at which price that turns, and in words."""
