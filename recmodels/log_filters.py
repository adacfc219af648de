"""Hide log messages of native libraries and TensorFlow that do not concern users."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def hide_native_logs() -> Iterator[None]:
    """Hide what native libraries write to standard error; print it if the block fails.

    TensorFlow's C++ part writes its start-up notes past Python, before it reads any setting.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def ignore_retracing_warnings() -> None:
    """Ignore TensorFlow's warnings about retracing Keras's own training functions.

    Histories differ in length, so each model is traced for a few shapes. TensorFlow counts the
    traces of all models together and takes a notebook with several for a loop that never stops.
    """
    logging.getLogger("tensorflow").addFilter(_is_no_advice_on_keras)


def _is_no_advice_on_keras(record: logging.LogRecord) -> bool:
    words = record.getMessage()
    return not ("TensorFlowTrainer" in words and "function retracing" in words)
