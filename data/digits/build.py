"""Make data/digits/spoken.npz: ten English digit words, spoken by the synthesiser espeak-ng in many voices.

    python data/digits/build.py            # needs espeak-ng 1.51 (apt-get install espeak-ng), NumPy and SciPy

One *voice* is one of espeak-ng's voice variants with a home accent and a home pitch of its own; each says each word
twice, at varied speed and pitch. The waveform is trimmed, resampled to 8 kHz, scaled to peak 1 and stored as 8-bit
mu-law codes. Everything is drawn from one seeded generator, and espeak-ng repeats itself exactly, so the same versions
give the same bytes.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from mmlib.data.audio import encode_mulaw, log_mel

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ACCENTS = ["en-us", "en-us-nyc", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-029"]
SAMPLE_RATE, MAX_SECONDS, TAKES = 8000, 0.656, 2
SAME_VOICE = 0.6  # voices with closer log-mel spectra (root mean square), or with one word in common, are one family
PARTS = {"train": 0.6, "validation": 0.2, "test": 0.2}


def variants():
    """Return {file name of the variant: "F" or "M"} as espeak-ng lists them."""
    listing = subprocess.run(["espeak-ng", "--voices=variant"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^ *\d+ +variant +\S*/([MF]) .*?!v/(.+?) *(?:\(.*)?$", listing, flags=re.MULTILINE)
    return {name: sex for sex, name in sorted(rows, key=lambda row: row[1])}


def say(word, accent, variant, speed, pitch):
    """Return the trimmed word at 8 kHz with peak 1."""
    command = ["espeak-ng", "-v", f"{accent}+{variant}", "-s", str(speed), "-p", str(pitch), "--stdout", word]
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    if wav[24:28] != (22050).to_bytes(4, "little"):
        raise OSError(f"Expected 22,050 samples a second from {command}. Received: {wav[:44]!r}")
    sound = resample_poly(np.frombuffer(wav[44:], "<i2") / 32768, 160, 441)
    loud = np.flatnonzero(abs(sound) > 0.01 * abs(sound).max())
    sound = sound[loud[0] : loud[-1] + 1]
    return sound / abs(sound).max()


def portrait(variant):
    """Return how a voice sounds at neutral settings, log-mel spectra of the ten words; None if a word is too long.

    espeak-ng falls back to its default voice, without a word, when it does not know a variant: compare portraits.
    """
    words = [say(word, "en-us", variant, 180, 50) for word in WORDS]
    if max(map(len, words)) > MAX_SECONDS * SAMPLE_RATE:
        return None
    padded = np.stack([np.pad(word, (0, int(MAX_SECONDS * SAMPLE_RATE) - len(word))) for word in words])
    return log_mel(padded, SAMPLE_RATE)


def families(names, portraits):
    """Return a family number for each voice: voices that sound alike, or share the stem of a name, share it."""
    stems = [re.sub(r"(?<=[A-Za-z]{3})\d+$", "", name).lower() for name in names]
    family = np.arange(len(names))
    for i in range(len(names)):
        for j in range(i):
            apart = np.mean((portraits[i] - portraits[j]) ** 2, axis=(1, 2))  # word by word
            if np.sqrt(apart.mean()) < SAME_VOICE or not apart.all() or stems[i] == stems[j]:
                family[family == family[i]] = family[j]
    return np.unique(family, return_inverse=True)[1]


def assign_parts(family, rng):
    """Return the part of each voice; a family is never divided. Parts fill up in a shuffled order of families."""
    part = np.empty(len(family), dtype="<U10")
    limits = np.cumsum(list(PARTS.values())) * len(family)
    placed = 0
    for number in rng.permutation(family.max() + 1):
        members = family == number
        part[members] = list(PARTS)[int(np.searchsorted(limits[:-1], placed + members.sum() / 2))]
        placed += members.sum()
    return part


def main():
    rng = np.random.default_rng(2024)
    sexes, names, portraits = variants(), [], []
    for name in sexes:
        picture = portrait(name)
        if picture is None:
            print("left out, too slow or echoing:", name)
        elif any(np.array_equal(picture, other) for other in portraits):
            print("left out, the same as another:", name)
        else:
            names.append(name)
            portraits.append(picture)
    family = families(names, portraits)
    part = assign_parts(family, rng)
    accent = np.empty(len(names), dtype="<U16")
    for key in PARTS:  # every part hears all accents
        members = np.flatnonzero(part == key)
        accent[members] = [ACCENTS[k % len(ACCENTS)] for k in range(len(members))]
    home = rng.integers(30, 71, size=len(names))

    rows, sounds, said = [], [], set()
    for voice, name in enumerate(names):
        for digit, word in enumerate(WORDS):
            takes = []
            while len(takes) < TAKES:  # a take that is too long, or that was heard before, is repeated
                pitch, speed = int(home[voice] + rng.integers(-8, 9)), int(rng.integers(150, 221))
                codes = encode_mulaw(say(word, accent[voice], name, speed, pitch))
                if len(codes) <= MAX_SECONDS * SAMPLE_RATE and codes.tobytes() not in said:
                    rows.append((digit, voice, len(takes), speed, pitch, len(codes)))
                    takes.append(codes)
                    said.add(codes.tobytes())
            sounds += takes
    label, voice, take, speed, pitch, length = np.array(rows).T
    target = Path(__file__).parent / "spoken.npz"
    np.savez_compressed(
        target,
        codes=np.concatenate(sounds),
        length=length.astype(np.int32),
        label=label.astype(np.int32),
        voice=voice.astype(np.int32),
        take=take.astype(np.int32),
        speed=speed.astype(np.int32),
        pitch=pitch.astype(np.int32),
        voice_name=np.array(names),
        voice_sex=np.array([sexes[name] for name in names]),
        voice_accent=accent,
        voice_family=family.astype(np.int32),
        voice_part=part,
    )
    counts = {key: int(sum(part == key)) for key in PARTS}
    seconds, megabytes = length / SAMPLE_RATE, target.stat().st_size / 1e6
    print(subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout.strip())
    print(f"{len(length)} utterances, {len(names)} voices in {family.max() + 1} families, voices by part: {counts}")
    print(f"{seconds.min():.2f} to {seconds.max():.2f} s, {megabytes:.2f} MB. Now: python data/write_checksums.py")


if __name__ == "__main__":
    main()
