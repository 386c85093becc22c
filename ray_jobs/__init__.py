"""How rows are spread: one module per stage, each a short Ray graph and a command."""
