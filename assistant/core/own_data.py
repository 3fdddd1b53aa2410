"""Whether a message asks for the asker's own data, and for which of them.

A question such as "how many readings did I make today" is told from "how do I delete readings" by
small signs that are added up: a time, a possessive, a quantity, a state. Then its subject decides.
"""

import re
from typing import Final

from assistant.core.words import tokens

ENOUGH: Final = 2.0

# What speaks for the asker's own data, and what against it.
SIGNS: Final[tuple[tuple[str, float], ...]] = (
    (r"anywhere|en (otro sitio|otra parte|otro lado)", 1.0),
    (r"cuales son (las|los)", 1.5),
    (r"what s my|whats my|what is my|cual(es)? (es|son) mis?", 1.5),
    (r"me quedan?|left|remaining|still|todavia|aun", 1.5),
    (r"donde (tengo|he|estoy)|where (am i|have i)", 1.8),
    (r"(is|are) (the|this|everything|all) .*\b(ok|okay|fine|up|down|alive|healthy|slow)", 1.7),
    (r"cuant[oa]s?|how (many|much|often)", 1.0),
    (
        r"hoy|ayer|anteayer|yesterday|today|esta semana|this week|last week|semana pasada|este mes",
        1.5,
    ),
    (r"this month|last month|mes pasado|so far|hasta ahora|ultimos \d+ dias|last \d+ days", 1.5),
    (r"mi ultim[oa]s?|mis ultim[oa]s?|la ultima|el ultimo|my (last|latest|newest|recent)", 1.5),
    (r"mi|mis|my|mine|mias?|mios?", 0.8),
    (
        r"tengo|llevo|hice|he \w+[ao]do|registre|use|gane|perdi|tuve|i have|have i|did i|do i have",
        1.0,
    ),
    (r"am i|i ve|did my|has my|have my|i (made|did|used|logged|won|lost)", 1.0),
    (
        r"(is|are|was|were|did|has|have) (my|the|it)\b.*\b(running|on|done|finished|ready|working)",
        1.5,
    ),
    (r"(corriendo|funcionando|en marcha|encendido|activo|trabajando|parado)", 1.2),
    (
        (
            r"(esta|sigue|va) (mi|el|la) .*(corriendo|marcha"
            r"|funcionando|encendid\w|activ\w|list[oa]|arrancad\w)"
        ),
        1.0,
    ),
    (
        (
            r"ya (termino|acabo|esta)|(termino|acabo) (ya|mi"
            r"|la|el)|como (va|van|voy|anda)|how (is|are) my"
        ),
        1.5,
    ),
    (r"how (am i|is it) doing|que (dijo|dice|dio|salio)|what did .* (say|give|find|show)", 1.2),
    (
        (
            r"most (common|frequent)|mas (frecuente|comun"
            r"|repetida)|ahora( mismo)?|right now|currently|now"
        ),
        1.0,
    ),
    (
        (
            r"(abiert[ao]s?|open|activas?) *(sesion\w*|ahora)?"
            r"|sesion\w* abiert[ao]s?|where am i (signed|logged)"
        ),
        0.7,
    ),
    (r"muestra\w*|ensena\w*|lista\w*|dame|dime|show|list|tell me|give me", 0.6),
    (
        (
            r"estado|status|balance|saldo|resultado|everything"
            r"|todo (bien|funciona|va|esta)|caid[oa]|down"
        ),
        0.7,
    ),
    (
        (
            r"como (se|puedo|hago|borr\w*|cambi\w*|descarg\w*"
            r"|elimin\w*|conect\w*|sub\w*|par[oa]|export\w*)"
        ),
        -2.0,
    ),
    (
        r"how (do|can|to|should|would)|can i|could i|puedo|se puede\w*|quiero|i want|i would like",
        -2.0,
    ),
    (
        r"por que|why|que (es|son|significa|quiere decir)|what (does .* mean|is the difference)",
        -2.0,
    ),
    (
        r"donde|where (is|are|can|do)|para que|what for|cuales? (son|formatos)|which \w+ (are|can)",
        -1.0,
    ),
)
# The subject of each tool, with how much each word says; the largest sum wins.
SUBJECTS: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "my_predictions": (
        (r"emoci\w*|emotion\w*|expresi\w*|expression\w*|lectura\w*|reading\w*|prediccion\w*", 2.0),
        (r"prediction\w*|historial|history|cara\w*|rostro\w*|face\w*|camara|camera|foto\w*", 1.2),
        (r"enfad\w*|triste\w*|alegr\w*|feli\w*|miedo|asco|sorpre\w*|neutral\w*", 1.5),
        (r"happ\w*|sad\w*|angry|fear\w*|disgust\w*|surpris\w*|registre|registrad\w*", 1.2),
        (r"deteccion\w*|detection\w*|animo|mood", 1.2),
    ),
    "my_sessions": (
        (r"sesi\w*|session\w*", 1.6),
        (r"dispositivo\w*|device\w*|logged in|signed in|conectad[oa]s?|navegador\w*|login\w*", 1.8),
        (r"entre|entrado|iniciad[oa]", 0.8),
    ),
    "my_jobs": (
        (
            r"exportaci\w*|export\w*|vhdl|hardware|trabajo\w*|job\w*|nucleo|core|campana|campaign",
            2.0,
        ),
        (r"ejecuci\w*|run|runs|informe\w*|report\w*|sintesis|synthesis|simulaci\w*|verifi\w*", 1.2),
        (r"red|redes|network\w*|fpga|fallos?|faults?", 1.0),
    ),
    "my_trading": (
        (r"trading|bot|bots|broker\w*|orden|ordenes|order\w*|trade|trades|operaci\w*", 2.0),
        (r"gan\w*|perd\w*|profit\w*|beneficio\w*|loss\w*|lost|won|earn\w*|pnl|saldo|balance", 1.8),
        (r"dinero|money|cash|posici\w*|position\w*|estrategia|strategy|apuesta\w*|stake\w*", 1.5),
        (r"exnova|iqoption|papel|paper|rentab\w*|resultados?", 1.0),
    ),
    "my_usage": (
        (r"still do|can i still|me quedan?|left|remaining|permit\w*|allow\w*", 2.5),
        (
            r"uso|usage|consum\w*|cuota\w*|quota\w*|plan|limite\w*|limit\w*|factura\w*|invoice\w*",
            2.0,
        ),
        (
            (
                r"bill\w*|gast\w*|spent|spend|usado|used|espacio"
                r"|space|debo|owe|cobra\w*|charged?|cuest\w*"
            ),
            1.5,
        ),
        (r"cost\w*|pag\w*|llamadas|calls", 1.2),
    ),
    "site_status": (
        (
            r"servidor|server|sistema|system|servicio\w*|service\w*|sitio|site|pagina|platform\w*",
            1.2,
        ),
        (
            r"todo (bien|funciona\w*|va|esta|ok)|everything|caid[oa]s?|down|healthy|health|status",
            1.8,
        ),
        (r"base de datos|database", 1.8),
        (r"up|disponible|available|funcionando|estado|ok|okay|bien", 1.2),
    ),
}
SIGN_PATTERNS: Final = tuple((re.compile(rf"\b(?:{text})\b"), points) for text, points in SIGNS)
SUBJECT_PATTERNS: Final = {
    name: tuple((re.compile(rf"\b(?:{text})\b"), points) for text, points in rows)
    for name, rows in SUBJECTS.items()
}


def own_data_of(text: str) -> str | None:
    """The tool that answers it; None when it asks for something else."""
    plain = " ".join(tokens(text))
    signs = sum(points for pattern, points in SIGN_PATTERNS if pattern.search(plain))
    subject, points = subject_of(text)
    if subject is None or points + signs < ENOUGH + 1.5 or signs < (0.7 if points >= 3 else 1.2):
        return None
    return subject


def subject_of(text: str) -> tuple[str | None, float]:
    """(the tool whose subject the message names most, how clearly)"""
    plain = " ".join(tokens(text))
    points = {
        name: sum(worth * len(set(pattern.findall(plain))) for pattern, worth in rows)
        for name, rows in SUBJECT_PATTERNS.items()
    }
    best = max(points, key=lambda name: points[name])
    return (best, points[best]) if points[best] else (None, 0.0)
