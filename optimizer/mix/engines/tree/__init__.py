"""Our own search: the relaxation of one case after another, which finds the mix and proves it."""
