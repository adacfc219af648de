"""The time until the next event as a mixture of log-normal distributions."""

import math

import keras
from keras import ops

LATEST_LOG = 15.0  # Logarithm of about 38 days in seconds: where the last component starts.
LARGEST_LOG_SCALE = 4.0


@keras.saving.register_keras_serializable("recmodels")
class TimeHead(keras.layers.Layer):
    """Parameters of a log-normal mixture over 1 + seconds from states.

    Shchur et al., "Intensity-Free Learning of Temporal Point Processes", 2020, section 3. The
    components start evenly spread from one second to a month, so that training need not move them
    far. Log-scales s are bounded smoothly, as 4 tanh(s / 4): otherwise many equal gaps, such as 0
    seconds, would make a density infinite.

    Args:
        num_components: K.

    Call arguments:
        states: (..., D).

    Returns:
        Unbounded numbers, (..., 3, K), that `mixture` reads.

    Raises:
        ValueError: `num_components` is less than 1.
    """

    def __init__(self, num_components: int = 8, **kwargs) -> None:
        super().__init__(**kwargs)
        if num_components < 1:
            raise ValueError(
                f"`num_components` must be at least 1. Received: num_components={num_components}"
            )
        self.num_components = num_components
        self.project = keras.layers.Dense(
            3 * num_components,
            bias_initializer=self._first_bias,
            name="project",
            dtype=self.dtype_policy,
        )

    def _first_bias(self, shape, dtype=None):
        """Equal weights, means that are evenly spread, and scales of exp(0.5)."""
        count = self.num_components
        means = [LATEST_LOG * (index + 0.5) / count for index in range(count)]
        return ops.convert_to_tensor([0.0] * count + means + [0.5] * count, dtype)

    def build(self, states_shape) -> None:
        self.project.build(states_shape)

    def call(self, states):
        found = self.project(states)
        return ops.reshape(found, (*ops.shape(found)[:-1], 3, self.num_components))

    def compute_output_shape(self, states_shape):
        return (*states_shape[:-1], 3, self.num_components)

    def get_config(self) -> dict:
        return {**super().get_config(), "num_components": self.num_components}


def mixture(parameters, time_width: float = 1.0):
    """Log-weights, means and log-scales of the components, float32 (..., K), from a `TimeHead`.

    All scales are multiplied by `time_width`.
    """
    parameters = ops.cast(parameters, "float32")
    logits, means, log_scales = (parameters[..., i, :] for i in range(3))
    bounded = LARGEST_LOG_SCALE * ops.tanh(log_scales / LARGEST_LOG_SCALE)
    return ops.log_softmax(logits, axis=-1), means, bounded + math.log(time_width)


def log_density(parameters, seconds, time_width: float = 1.0):
    """Natural logarithm of the density at some seconds, per second, float32 (...).

    Equal to `LogNormalMixture.log_density`, with gradients.

    Args:
        parameters: from a `TimeHead`, (..., 3, K).
        seconds: 0 or more, float (...).
        time_width: see `mixture`.

    Example: one component with mean 0 and scale 1 has at 0 seconds the density of a standard
    normal at log(1 + 0) = 0, which is -0.919.
    """
    log_weights, means, log_scales = mixture(parameters, time_width)
    logs = ops.log1p(ops.cast(seconds, "float32"))[..., None]
    z = (logs - means) * ops.exp(-log_scales)
    parts = log_weights - 0.5 * z**2 - log_scales - 0.5 * math.log(2 * math.pi) - logs
    return ops.logsumexp(parts, axis=-1)
