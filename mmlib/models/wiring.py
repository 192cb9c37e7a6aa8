"""What all models share: one input for each modality, and encoders that go by the name of theirs."""

import keras


def apply_encoders(encoders, finish=lambda x, key: x):
    """Give each encoder an input of its modality's name, and wrap it as a sub-model "<modality>_encoder".

    Args:
        encoders: dict, modality name to a `keras.Model` with one input and one output.
        finish: called with (output, modality name) inside the sub-model; what it returns is the sub-model's output.

    Returns:
        two dicts by name: inputs, and outputs of the sub-models.
    """
    inputs, outputs = {}, {}
    for key, encoder in sorted(encoders.items()):
        shape, dtype = encoder.inputs[0].shape[1:], encoder.inputs[0].dtype
        inputs[key] = keras.Input(shape, dtype=dtype, name=key)
        own = keras.Input(shape, dtype=dtype, name=key)
        outputs[key] = keras.Model(own, finish(encoder(own), key), name=f"{key}_encoder")(inputs[key])
    return inputs, outputs
