"""Sound encoders: spectrograms (B, F, bands) to vectors (B, D), or to one vector a moment (B, T, D).

`LogMelSpectrogram` makes the spectrogram inside the model, which then takes waveforms.
"""

import keras
from keras import layers, ops

from mmlib.data.audio import hann_window, mel_filters
from mmlib.layers.sequence import AttachMask, MeanPooling


@keras.saving.register_keras_serializable("mmlib")
class LogMelSpectrogram(layers.Layer):
    """How much energy, in which mel band, when: `mmlib.data.audio.log_mel` as a layer, raised so that silence is 0.

    S_fk = ln(1 + (1/ε) Σ_b M_bk |FFT(w · x_f)_b|²)

    One frame length of silence is put behind the sound, so that its last samples are in a frame.

    Args:
        sample_rate: in Hz.
        frame_length, hop: in samples. 256 and 128 at 8,000 Hz are 32 and 16 ms.
        num_mels: number of bands.
        floor: ε, the energy below which sound counts as silence.

    Call arguments:
        waveform: (B, samples).

    Returns:
        (B, T, num_mels), T = samples // hop + 1.

    Reference: Davis & Mermelstein 1980 (IEEE TASSP 28). Derived in chapter 02.
    """

    def __init__(self, sample_rate, frame_length=256, hop=128, num_mels=32, floor=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.frame_length, self.hop, self.floor = frame_length, hop, floor
        self.window = hann_window(frame_length).astype("float32")
        self.filters = mel_filters(num_mels, frame_length, sample_rate).astype("float32")

    def call(self, waveform):
        padded = ops.pad(waveform, [[0, 0], [0, self.frame_length]])
        frames = ops.extract_sequences(padded, self.frame_length, self.hop)  # (B, T, frame_length)
        real, imaginary = ops.rfft(frames * self.window)
        bands = ops.matmul(ops.square(real) + ops.square(imaginary), self.filters)
        return ops.log1p(bands / self.floor)


def spectrogram_encoder(
    num_mels=32, dim=64, filters=(32, 64, 64), silence=0.0, return_sequences=False, name="spectrogram"
):
    """Convolutions over time and pitch, then the mean over time.

    The two axes are not alike: a word said later is the same word, a word said higher may be another. So the mean is
    taken over time only. A frame of exact silence counts as padding, and padding changes nothing.

    A word said later has the same vector only if the delay is a multiple of 2^stages frames. In between the strides see
    other frames, which chapter 03 measures, and the data must teach the invariance.

    Args:
        num_mels: bands of the spectrogram, a multiple of 2^stages.
        dim: D.
        filters: width of each stage; a stage halves time and pitch.
        silence: the value that silence has in the spectrogram: 0 behind `LogMelSpectrogram`; for the spoken digits
            ``digit_spectrograms(np.zeros(5248)).max()``.
        return_sequences: True gives one vector a moment, (B, T, D), with a mask.

    Returns:
        a functional `keras.Model`: (B, F, num_mels) -> (B, D), or (B, T, D) with T = F / 2^stages, rounded up.

    Reference: Hershey et al. 2017 (ICASSP). Derived in chapter 03.
    """
    spectrogram = keras.Input((None, num_mels), name="audio")
    x = layers.Rescaling(1.0, offset=-float(silence), name="above_silence")(spectrogram)
    real = ops.max(x, axis=2) > 1e-5
    x = layers.Reshape((-1, num_mels, 1), name="picture")(x)
    for i, width in enumerate(filters):
        # padded by hand: "same" would begin at another frame when the number of frames is odd
        x = layers.ZeroPadding2D(1, name=f"stage_{i}_edge")(x)
        x = layers.Conv2D(width, 3, strides=2, activation="relu", name=f"stage_{i}")(x)
        real = real[:, ::2]
        x = ops.where(ops.expand_dims(real, (2, 3)), x, 0.0)  # what silence became must not leak into speech
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), name="moments")(x)
    x = AttachMask(name="mask")([layers.Dense(dim, name="project")(x), real])
    return keras.Model(spectrogram, x if return_sequences else MeanPooling(name="mean")(x), name=name)
