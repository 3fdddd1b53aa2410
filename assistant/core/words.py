"""Words of a text in Spanish or English, brought to a form in which alike means equal."""

import re
from typing import Final, Literal, TypeAlias

from assistant.core.folding import fold

Language: TypeAlias = Literal["es", "en"]


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


WORD: Final = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
# Words that say nothing about a subject. Written without accents.
STOP: Final[dict[Language, frozenset[str]]] = {
    "es": frozenset(
        _split(
            """
    a al algo alguna alguno ante aqui asi aun bien cada como con cual cuales cuando cuanta
    cuantas cuanto cuantos da dame de del desde dime donde e el ella ellas ellos en entre
    era es esa ese eso esta estan estas este esto estos estoy favor fue ha hace hacen hacer
    hago han has hay he hemos hola ir la las le les lo los mas me mi mis mio mia misma mismo
    muy nada necesito ni no nos o os para pero poder podria por porque pq puede pueden puedo
    pues q que quien quiero quisiera sale se segun ser si sin sirve sobre solo son soy su
    sus sabe sabes tal tambien te tengo tiene tienen ti toca tu tus u un una unas uno unos usted
    va vale vez voy y ya yo quieres saber gustaria gracias debo debe hasta hacia dice dijo
    ve ver veo muestra muestrame ensename cuentame explica explicame ayuda ayudame tan tanto
    ahora habia sea seria usar usan usa utilizar usando eres
    usarlo darme dar dejar deja dejan pasa pasar queda
    quedan boton botones cosa cosas manera forma todo todos toda todas hacerlo ahi aqui debe deben
    algun conseguir lograr intento intentar favor
    """
        )
    ),
    "en": frozenset(
        _split(
            """
    a about actually all am an and any anything are as at be been but by can could did do
    does doing don for from get give go going had has have having hello help hey hi how i id
    if im in into is isn it its just know let like lot ll m make makes may me might mine
    much my need of off ok on or our out please really s say says see seem she he should
    show so some something t tell than thanks that the their them then there these they
    thing things this those to too us use using ve very want wanna was way we were what
    whats when where which who why will with would yes you your yours explain many more now
    here already ever still happen happens happened mean means look inside else using used used
    do able possible try trying there one kind sort way button please lets got gets
    """
        )
    ),
}
# What betrays a language, beside the stop words: common words of questions.
TELLING: Final[dict[Language, frozenset[str]]] = {
    "es": frozenset(
        _split(
            """
    hoy ayer ultima ultimo semana dia dias borrar cerrar cuenta contrasena camara foto fotos
    sesion historial red redes perdida ganado limite factura facturas emocion emociones
    exportar exportacion letras senas parar probar estrategia manana buenas buenos
    conecto conectar subir descargar escribeme traduce receta capital abierta
    """
        )
    ),
    "en": frozenset(
        _split(
            """
    today yesterday last week day days delete close account password camera picture photo
    session history network networks loss limit invoice emotion emotions export letters hand
    sign stop try strategy good running start train agent upload download
    """
        )
    ),
}
ENDINGS: Final[dict[Language, tuple[str, ...]]] = {
    "es": _split(
        """
    aciones uciones amientos imientos amiento imiento acion ucion adores ador adora iendo
    ando arias erias irias aremos iremos aste iste aron ieron aban aba ados adas idos idas
    ado ada ido ida ares eres ires aran iran ara ira amos emos imos arse erse irse arlo arla
    arlos arlas ar er ir as es os an en a e o s
    """
    ),
    "en": tuple(
        _split(
            """
        ations ation ings ing edly ed ers er ies es s ly e
        """
        )
    ),
}
SHORTEST_STEM: Final = 3


def tokens(text: str) -> list[str]:
    return WORD.findall(fold(text))


def stem(word: str, language: Language) -> str:
    """The longest ending that leaves three letters is taken off; numbers stay."""
    if any(sign.isdigit() for sign in word):
        return word
    for ending in ENDINGS[language]:
        rest = len(word) - len(ending)
        if word.endswith(ending) and rest >= SHORTEST_STEM:
            short = word[:rest]
            if language == "en":
                return _english(short, ending)
            return short
    return word


def _english(short: str, ending: str) -> str:
    if ending == "ies":
        return short + "y"
    if len(short) > SHORTEST_STEM and short[-1] == short[-2] and short[-1] not in "ls":
        return short[:-1]  # stopping, stop
    return short[:-1] if ending != "e" and short.endswith("e") and len(short) > 3 else short


def content(text: str, language: Language) -> list[str]:
    """Stems of the words that say something, in order."""
    return [stem(word, language) for word in tokens(text) if word not in STOP[language]]


def language_of(text: str, *, otherwise: Language) -> Language:
    """The language that more of the words belong to; `otherwise` where that is open."""
    words = tokens(text)
    points: dict[Language, float] = {"es": 0.0, "en": 0.0}
    for language in points:
        points[language] += sum(word in STOP[language] for word in words)
        points[language] += sum(word in TELLING[language] for word in words)
    if re.search(r"[¿¡ñáéíóú]", text.lower()):
        points["es"] += 2
    if points["es"] == points["en"]:
        return otherwise
    return "es" if points["es"] > points["en"] else "en"


def distance(one: str, other: str, *, most: int) -> int:
    """Letters to add, drop, change or swap with their neighbour; `most + 1` when it is more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, last[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
    return row[-1]
