"""The diagram of chapter 10: two codes side by side, and one code for both."""

from tools.diagrams.foundations import AUDIO, IMAGE
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, tint


def draw_10_one_code():
    """At the left two autoencoders side by side: a sound goes through an encoder, a code and a decoder to a sound, a
    picture through its own to a picture, and nothing leads from one column to the other. At the right both encoders
    lead into one shared code, from which both decoders start. The picture at the input is missing, an empty dashed
    square, and the picture at the output is drawn nevertheless."""
    d = Drawing("Two codes side by side, or one", 640)
    for left, title in ((22, "side by side"), (326, "one code")):
        d.rect(left, 22, 292, 596, WHITE, EDGE, radius=14)
        d.text(left + 146, 52, title, 23, weight=600)
    for left, shared in ((22, False), (326, True)):
        for at, kind, ink in ((left + 82, "audio", AUDIO), (left + 210, "image", IMAGE)):
            missing = shared and kind == "image"
            faint = 0.3 if missing else None
            if missing:
                d.rect(at - 32, 80, 64, 64, "none", GREY, radius=14, dash="6 7")
                d.text(at, 112, "?", 30, GREY)
            else:
                d.icon(kind, at, 112, 66)
            d.arrow((at, 150), (at, 178), ink=ink, opacity=faint)
            d.box(at - 56, 182, 112, 52, "encoder", GREY if missing else ink, 20, dash="6 7" if missing else None)
            side = 1 if kind == "audio" else -1
            if shared:
                d.arrow((at, 240), (at + 34 * side, 288), ink=ink, opacity=faint)
                d.arrow((at + 34 * side, 352), (at, 398), ink=ink)
            else:
                d.arrow((at, 236), (at, 288), ink=ink)
                d.box(at - 44, 292, 88, 56, "code", ink, 20, tint(ink, 0.45))
                d.arrow((at, 350), (at, 398), ink=ink)
            d.box(at - 56, 402, 112, 52, "decoder", ink, 20)
            d.arrow((at, 456), (at, 488), ink=ink)
            d.icon(kind, at, 526, 66)
        if shared:
            d.box(left + 66, 292, 160, 56, "shared code", INK, 20, tint(AMBER, 0.55))
            d.text(left + 146, 590, "the picture is drawn", 19, GREY, italic=True)
        else:
            d.path([(left + 146, 84), (left + 146, 560)], GREY, 2, dash="3 9")
            d.text(left + 146, 590, "nothing crosses", 19, GREY, italic=True)
    return d
