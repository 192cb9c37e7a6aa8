"""The diagram of chapter 24: eight steps from the source's sketch to a system."""

from tools.diagrams.foundations import IMAGE, TEXT
from tools.diagrams.kit import AMBER, GREY, INK, WHITE, Drawing, tint


def draw_24_steps():
    """Eight numbered steps from the source's parts to ours. 1: a bare vector becomes twelve answers with logits. 2:
    padding that is read becomes a mask. 3: raw pixels become scaled inputs and normalised branches. 4: a sum
    becomes a relu. 5: pictures as they are become mirrored ones, words too. 6: a CNN becomes a ResNet. 7: an LSTM
    becomes a Transformer. 8: two glued vectors become words that look at places."""
    steps = [
        ("a bare vector", "12 answers, logits", INK),
        ("padding is read", "a mask", TEXT),
        ("raw pixels", "scaled, normalised", IMAGE),
        ("a sum", "a relu", INK),
        ("pictures as they are", "mirrored, words too", INK),
        ("CNN", "ResNet", IMAGE),
        ("LSTM", "Transformer", TEXT),
        ("two glued vectors", "words look at places", INK),
    ]
    d = Drawing("Eight steps from the sketch to the system", 36 + 84 * len(steps))
    for k, (before, after, ink) in enumerate(steps):
        y = 60 + 84 * k
        d.circle(52, y, 22, AMBER, INK)
        d.text(52, y, str(k + 1), 22, weight=600)
        d.rect(92, y - 28, 216, 56, WHITE, GREY, radius=12, dash="8 7")
        d.text(200, y, before, 20, GREY)
        d.arrow((314, y), (358, y), ink=ink)
        d.rect(364, y - 28, 250, 56, tint(ink), ink, radius=12)
        d.text(489, y, after, 20)
    return d
