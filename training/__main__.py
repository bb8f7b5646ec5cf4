"""``python -m training …`` is ``bin-it-right …``: model cards of before, and torchrun, name it so."""

import runpy

if __name__ == "__main__":
    runpy.run_module("scripts.cli.main", run_name="__main__")
