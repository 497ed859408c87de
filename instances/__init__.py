"""Named instances and what they are made of.

`catalog` lists and loads the instances that are shipped; `build` makes them anew from the catalogue
pieces in `chips/` and `workloads/`, a recipe in `recipes/` and the seeded jobs of `generate`;
`measure` says what shape an instance has.
"""
