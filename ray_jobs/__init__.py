"""How rows are spread: one module per stage, each a short Ray graph and a command."""

import os

# Before torch loads OpenMP. Its threads wait for each other spinning; where another process wants the same core (Ray's
# own do), a spinning thread keeps it from the one that is waited for: on 2 shared cores training ran 3-8 times slower.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
