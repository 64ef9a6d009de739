"""Letters that look like ASCII letters or digits, of the scripts that a seat's name may have (R16.2).

Taken from Unicode's `confusables.txt` (Unicode Technical Standard 39; © Unicode, Inc., Unicode License v3): what is
its own NFKC form there and is mapped to ASCII letters or digits, after case folding.
"""

from typing import Final

_GROUPS: Final = {
    "2": "\u01a8\ua645\ua75b",  # ƨꙅꝛ
    "3": "\u021d\u025c\u0292\u0437\u04e1\ua76b",  # ȝɜʒзӡꝫ
    "6": "\u0431",  # б
    "8": "\u0223\u0b03",  # ȣଃ
    "9": "\ua76f",  # ꝯ
    "a": "\u0251\u03b1\u0430",  # ɑαа
    "aa": "\ua733",  # ꜳ
    "ae": "\u00e6\u04d5",  # æӕ
    "ao": "\ua735",  # ꜵ
    "au": "\ua737",  # ꜷ
    "av": "\ua739\ua73b",  # ꜹꜻ
    "ay": "\ua73d",  # ꜽ
    "b": "\u0185\u03b2\u0432\u044c\ua7b5",  # ƅβвьꞵ
    "bl": "\u044b",  # ы
    "c": "\u0441\u1d04",  # сᴄ
    "d": "\u0501",  # ԁ
    "dz": "\u02a3",  # ʣ
    "e": "\u03b5\u0435\u04bd\uab32",  # εеҽꬲ
    "f": "\u03dd\u0584\u1e9d\ua799\uab35",  # ϝքẝꞙꬵ
    "g": "\u018d\u0261\u050d\u0581\u1d83",  # ƍɡԍցᶃ
    "h": "\u03b7\u043d\u04bb\u0570",  # ηнһհ
    "i": "\u0131\u0269\u026a\u03b9\u0456\u04cf\ua647",  # ıɩɪιіӏꙇ
    "j": "\u029d\u03f3\u0458",  # ʝϳј
    "k": "\u03ba\u043a",  # κк
    "lo": "\u044e",  # ю
    "ls": "\u02aa",  # ʪ
    "lz": "\u02ab",  # ʫ
    "m": "\u03bc\u03fb\u043c",  # μϻм
    "n": "\u0578\u057c",  # ոռ
    # οσоօଠంಂംഠංဝჿዐᴏᴑꬽ
    "o": "\u03bf\u03c3\u043e\u0585\u0b20\u0c02\u0c82\u0d02\u0d20\u0d82\u101d\u10ff\u12d0\u1d0f\u1d11\uab3d",
    "oe": "\u0153",  # œ
    "oo": "\ua699\ua74f",  # ꚙꝏ
    "p": "\u03c1\u0440",  # ρр
    "q": "\u051b\u0563\u0566",  # ԛգզ
    "r": "\u0280\u0433\u1d26\uab47\uab48",  # ʀгᴦꭇꭈ
    "s": "\u01bd\u0455\u057f\ua731",  # ƽѕտꜱ
    "t": "\u03c4\u0442",  # τт
    "t3": "\ua729",  # ꜩ
    "tf": "\ua777",  # ꝷ
    "ts": "\u02a6",  # ʦ
    "u": "\u028b\u03c5\u057d\u1200\u1d1c\ua79f\uab4e\uab52",  # ʋυսሀᴜꞟꭎꭒ
    "ue": "\u1d6b",  # ᵫ
    "uo": "\uab63",  # ꭣ
    "v": "\u03bd\u0475\u1d20",  # νѵᴠ
    "w": "\u026f\u0461\u051d\u0561\u1d21",  # ɯѡԝաᴡ
    "x": "\u03c7\u0445\uab53",  # χхꭓ
    "y": "\u0263\u028f\u03b3\u0443\u04af\u10e7\u1d8c\u1eff\uab5a",  # ɣʏγуүყᶌỿꭚ
    "z": "\u03b6\u1d22",  # ζᴢ
}
LOOK_ALIKES: Final = str.maketrans({letter: seen for seen, letters in _GROUPS.items() for letter in letters})
"""For `str.translate`: letter, case folded → the ASCII it looks like."""
