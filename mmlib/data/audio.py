"""From a waveform to a log-mel spectrogram: frames, discrete Fourier transform, mel bands, logarithm. Plain NumPy."""

import numpy as np

MU = 255.0


def encode_mulaw(waveform):
    r"""Compress samples in [-1, 1] to 8 bits with the mu-law of telephony.

    $$c = \operatorname{round}\Big(\tfrac{255}{2}\Big(1 + \operatorname{sgn}(x)\,
    \frac{\ln(1 + \mu|x|)}{\ln(1 + \mu)}\Big)\Big), \qquad \mu = 255.$$

    Quiet samples get finer steps than loud ones, as the ear does.

    Args:
        waveform: array of any shape, samples in [-1, 1].

    Returns:
        An array of the same shape, uint8.

    Raises:
        ValueError: a sample is outside [-1, 1] or not a number.

    Reference: ITU-T Recommendation G.711 (1988), the continuous curve of its mu-law.
    Derived in chapter 02.
    """
    waveform = np.asarray(waveform, dtype=np.float64)
    if not np.all(np.abs(waveform) <= 1):
        raise ValueError(
            f"`waveform` must hold samples in [-1, 1]. Received: {np.min(waveform)!r} to {np.max(waveform)!r}"
        )
    squeezed = np.sign(waveform) * np.log1p(MU * np.abs(waveform)) / np.log1p(MU)
    return np.round((squeezed + 1) / 2 * MU).astype(np.uint8)


def decode_mulaw(codes):
    r"""Undo `encode_mulaw`, up to the rounding to 256 levels.

    $$y = 2c/255 - 1, \qquad x = \operatorname{sgn}(y)\,\frac{(1 + \mu)^{|y|} - 1}{\mu}.$$

    Args:
        codes: array of any shape, uint8.

    Returns:
        Samples in [-1, 1], float32.

    Derived in chapter 02.
    """
    squeezed = np.asarray(codes, dtype=np.float64) * (2 / MU) - 1
    return (np.sign(squeezed) * np.expm1(np.abs(squeezed) * np.log1p(MU)) / MU).astype(np.float32)


def hz_to_mel(hz):
    r"""Turn frequencies, ``hz``, into mel, the scale of perceived pitch: $m = 2595\log_{10}(1 + f/700)$.

    Reference: D. O'Shaughnessy, *Speech Communication: Human and Machine*, Addison-Wesley, 1987.
    Derived in chapter 02.
    """
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def mel_to_hz(mel):
    r"""Undo `hz_to_mel`: $f = 700\,(10^{m/2595} - 1)$. Derived in chapter 02."""
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


def split_frames(waveform, frame_length, hop):
    """Cut a waveform into overlapping frames; samples that do not fill a last frame are dropped.

    Args:
        waveform: samples, shape (…, samples).
        frame_length: samples in a frame.
        hop: samples from the start of one frame to the start of the next.

    Returns:
        A read-only view of shape (…, F, frame_length) with F = 1 + (samples - frame_length) // hop.

    Raises:
        ValueError: the waveform is shorter than one frame, or a length is not positive.

    Derived in chapter 02.
    """
    waveform = np.asarray(waveform)
    if frame_length < 1 or hop < 1:
        raise ValueError(f"`frame_length` and `hop` must be positive. Received: {frame_length=}, {hop=}")
    if waveform.shape[-1] < frame_length:
        raise ValueError(
            f"`waveform` must be at least one frame long, {frame_length} samples. Received: shape={waveform.shape}"
        )
    return np.lib.stride_tricks.sliding_window_view(waveform, frame_length, axis=-1)[..., ::hop, :]


def hann_window(length):
    r"""Return the periodic Hann window of ``length`` L, $w_n = \tfrac12 - \tfrac12\cos(2\pi n/L)$.

    It fades each frame in and out.

    Derived in chapter 02.
    """
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def mel_filters(num_mels, frame_length, sample_rate, low_hz=60.0, high_hz=None):
    r"""Return triangular bands, equally wide on the mel scale, as a matrix to multiply spectra with.

    With band edges $e_0 < \dots < e_{K+1}$ equally spaced in mel, band $k$ rises linearly (in mel) from $e_{k-1}$ to
    its peak 1 at $e_k$ and falls to 0 at $e_{k+1}$.

    Args:
        num_mels: the number K of bands.
        frame_length: samples in a frame; its spectrum has ``frame_length // 2 + 1`` bins.
        sample_rate: samples a second, Hz.
        low_hz: lower edge of the first band, Hz.
        high_hz: upper edge of the last band, Hz; None means half the sample rate.

    Returns:
        Weights of shape (frame_length // 2 + 1, num_mels), float64.

    Raises:
        ValueError: the edges are not in order, or lie above half the sample rate.

    Reference: S. Davis and P. Mermelstein, IEEE Transactions on Acoustics, Speech, and Signal Processing 28(4), 1980.
    Derived in chapter 02.
    """
    high_hz = sample_rate / 2 if high_hz is None else high_hz
    if not 0 <= low_hz < high_hz <= sample_rate / 2:
        raise ValueError(
            f"`low_hz` and `high_hz` must satisfy 0 <= low < high <= sample_rate / 2 = {sample_rate / 2}. "
            f"Received: {low_hz=}, {high_hz=}"
        )
    bins = hz_to_mel(np.arange(frame_length // 2 + 1) * sample_rate / frame_length)[:, None]
    edges = np.linspace(hz_to_mel(low_hz), hz_to_mel(high_hz), num_mels + 2)
    left, peak, right = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0.0, np.minimum((bins - left) / (peak - left), (right - bins) / (right - peak)))


def log_mel(waveform, sample_rate, frame_length=256, hop=128, num_mels=32, low_hz=60.0, high_hz=None, floor=1e-3):
    r"""Compute the log-mel spectrogram of one waveform or of a batch.

    $$S_{fk} = \ln\Big(\epsilon + \sum_b M_{bk}\,\Big|\sum_n w_n\, x_{fH+n}\, e^{-2\pi i b n/L}\Big|^2\Big)$$

    Args:
        waveform: samples in [-1, 1], shape (…, samples).
        sample_rate: samples a second, Hz.
        frame_length: samples L in a frame. At 8,000 Hz, 256 samples are 32 ms.
        hop: samples H from one frame to the next.
        num_mels: the number of bands.
        low_hz, high_hz: edges of the bands, Hz; None means half the sample rate.
        floor: the $\epsilon$ that silence is lifted to before the logarithm.

    Returns:
        Log band energies, shape (…, F, num_mels), float32.

    Raises:
        ValueError: as `split_frames` and `mel_filters`.

    Derived in chapter 02.
    """
    frames = split_frames(np.asarray(waveform, dtype=np.float64), frame_length, hop)  # (…, F, L)
    spectrum = np.fft.rfft(frames * hann_window(frame_length), axis=-1)  # (…, F, L // 2 + 1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    bands = power @ mel_filters(num_mels, frame_length, sample_rate, low_hz, high_hz)  # (…, F, num_mels)
    return np.log(bands + floor).astype(np.float32)
