"""Training in TensorFlow by Keras 3; what comes out are the weights of this project's PyTorch networks."""

import importlib
import os
from contextlib import suppress

# Read when Keras is imported; a user's keras.json may name another one.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# PyTorch's compiler brings an LLVM of its own: loaded after TensorFlow's it ends the process (SIGSEGV).
with suppress(ImportError):
    importlib.import_module("triton")
