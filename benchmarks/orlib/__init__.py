"""Public sets of operations research, read from their own files and asked of our questions.

`python -m benchmarks.orlib FOLDER`. The sets themselves are not part of this project.
"""
