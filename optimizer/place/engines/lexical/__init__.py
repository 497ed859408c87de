"""The search for fair shares: the same moves, another judgement of them."""
