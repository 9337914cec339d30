"""``python -m mnv4bench``."""

from mnv4bench.cli import main

if __name__ == "__main__":
    main()
