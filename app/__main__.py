"""`python -m app`: the commands.

Worker processes import this file too; what it needs is imported only where it is run.
"""

from __future__ import annotations

if __name__ == "__main__":
    from app.front import main

    main()
