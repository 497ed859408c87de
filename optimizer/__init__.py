"""fleetwatt's optimiser: where the world's AI training goes, with a proof.

Linear algebra runs on one thread: the vectors of the price phase are short, and threads that wait
for each other made it several times slower. Set OPENBLAS_NUM_THREADS yourself to have it otherwise.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is loaded, so before it
