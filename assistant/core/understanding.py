"""What kind of thing a message wants, by its words alone."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, TypeAlias

from assistant.core.folding import fold
from assistant.core.words import tokens

Courtesy: TypeAlias = Literal["greeting", "thanks", "goodbye", "identity", "abilities", "others"]

# Whole messages, without accents and signs.
WHOLE: Final[dict[Courtesy, re.Pattern[str]]] = {
    "greeting": re.compile(
        r"(hola|holi|buenas|buenos dias|buenas tardes|buenas noches|hello|hi|hey|good (morning|"
        r"afternoon|evening)|que tal|saludos|estas ahi|"
        r"hay alguien( ahi)?|are you there|anybody there)"
        r"( (a todos|there|que tal|asistente|visionai|bot))*"
    ),
    "thanks": re.compile(
        r"(ok |vale |perfecto |genial |great |perfect )*((muchas |mil )?gracias|thanks?( you)?|thx|"
        r"te lo agradezco|cheers)( (so much|a lot|very much|por todo|por tu ayuda|a ti))*"
    ),
    "goodbye": re.compile(r"(adios|hasta luego|hasta manana|chao|chau|bye( bye)?|goodbye|see you)"),
    "abilities": re.compile(
        r"(ayuda|ayudame|help( me)?|que (puedes|sabes) hacer|en que (me )?puedes ayudar(me)?|"
        r"what can you do|how can you help( me)?|what can i ask( you)?|que te puedo preguntar)"
    ),
}
IDENTITY: Final = re.compile(
    r"\b(are you|r u|you are|you re) (a |an |really "
    r"|the )*(chatgpt|gpt\S*|ai|robot|human|person|llm|"
    r"language model|openai|real|machine|claude|gemini|bot|intelligent)\b"
    r"|\b(who|what) (are you|made you|model are you)\b"
    r"|\bwho am i (talking|speaking|chatting) (to|with)\b"
    r"|\b(eres|sois|es usted) (de verdad |un |una |el "
    r"|realmente )*(chatgpt|gpt\S*|ia|robot|human[oa]|"
    r"persona|llm|modelo|inteligencia|openai|real|maquina|bot|claude|gemini|tonto|inteligente)\b"
    r"|\bquien eres\b|\bque eres\b|\bcon quien (hablo"
    r"|estoy hablando)\b|\bcomo te llamas\b|\byour name\b"
    r"|\b(que|which|what) (modelo|model|llm|engine|motor) (eres|usas|are you|do you use|utilizas)\b"
)
# Somebody wants what is somebody else's.
OTHERS: Final = re.compile(
    r"\b(dime|dame|muestra\w*|ensena\w*|cual es|ver|lista\w*|show|give|tell|list|what is|what are|"
    r"whats|read|open|get|cuant[oa]s|how many|lee|quiero)\b.*"
    r"\b(otr[oa]s? (usuari|person|client|cuenta)\w*|de (otr[oa]s?|alguien)\b|todos los usuarios|"
    r"other (user|people|person|account|client)\S*|another (user|person|account)\S*|"
    r"(somebody|someone|anybody) else\S*|all users|every user\S*|everyone s)"
)

PASSWORD_OF: Final = re.compile(
    r"\b(contrasena|clave|password)s? (del?|of|for) (la |the )?(admin|root|usuari|user|jef|boss)\w*"
    r"|\b(admin|administrator|root) (s )?password"
)
# Somebody wants a text made, which takes a language model.
TASK: Final = re.compile(
    r"^(por favor |please |can you |could you |puedes |podrias |me )*"
    r"(escrib(e|eme|ir)|redact(a|ame|ar)|compon(me)?|invent(a|ame)|traduc(e|eme|ir)|translate|"
    r"write|compose|draft|recomiend(a|ame)|recomendar|recommend|summari[sz]e|resume el|cant(a|ame)|"
    r"sing|imagin(a|e)|programa(me)?|calcul(a|ame|ate)|resuelve|solve)\b"
)

FOLLOWING: Final = re.compile(
    r"^(y|e|and|what about|how about|que hay de|que tal|entonces|then|ok y|also|tambien)\b"
)
MORE: Final = re.compile(
    r"(dime |cuentame |explica(me)? |tell me |give me |show me |y |and |algo |anything )*"
    r"(mas|more|sigue|continua|go on|continue|otra cosa|else|que mas|what else|mas detalles|"
    r"more details?|mas informacion|more information|otra opcion)( por favor| please)?"
)
SHORT: Final = 6  # words of a question that may lean on the one before


def is_following(text: str) -> bool:
    """Whether a message may lean on the one before it, such as `¿y ayer?`."""
    words = tokens(text)
    return 0 < len(words) <= SHORT and bool(FOLLOWING.search(" ".join(words)))


def wants_more(text: str) -> bool:
    return bool(MORE.fullmatch(" ".join(tokens(text))))


def is_task(text: str) -> bool:
    return bool(TASK.search(" ".join(tokens(text))))


def courtesy_of(text: str) -> Courtesy | None:
    """What a message is that asks for no fact."""
    plain = " ".join(tokens(text))
    for kind, pattern in WHOLE.items():
        if pattern.fullmatch(plain):
            return kind
    if IDENTITY.search(plain):
        return "identity"
    return "others" if OTHERS.search(plain) or PASSWORD_OF.search(plain) else None


@dataclass(frozen=True, slots=True)
class Days:
    """From `start` to `end`, both included; `name` says how the asker called them."""

    name: str
    start: date
    end: date


def days_of(text: str, *, today: date) -> Days | None:
    """The days that a message names, if it names any."""
    plain = " ".join(tokens(text))
    if found := re.search(r"\b(\d{4})-(\d{2})-(\d{2})\b", fold(text)):
        return _one_day(*(int(part) for part in found.groups()))
    if re.search(r"\b(anteayer|antes de ayer|antier|day before yesterday)\b", plain):
        day = today - timedelta(days=2)
        return Days("two_days_ago", day, day)
    if re.search(r"\b(ayer|yesterday)\b", plain):
        day = today - timedelta(days=1)
        return Days("yesterday", day, day)
    monday = today - timedelta(days=today.weekday())
    if re.search(r"\b(semana pasada|ultima semana|last week|past week)\b", plain):
        return Days("last_week", monday - timedelta(days=7), monday - timedelta(days=1))
    if re.search(r"\b(esta semana|this week)\b", plain):
        return Days("this_week", monday, today)
    first = today.replace(day=1)
    if re.search(r"\b(mes pasado|ultimo mes|last month|past month)\b", plain):
        end = first - timedelta(days=1)
        return Days("last_month", end.replace(day=1), end)
    if re.search(r"\b(este mes|this month)\b", plain):
        return Days("this_month", first, today)
    if found := re.search(r"\b(?:ultimos|last|past) (\d{1,3}) (?:dias|days)\b", plain):
        number = max(int(found[1]), 1)
        return Days("last_days", today - timedelta(days=number - 1), today)
    if re.search(r"\b(hoy|today|tonight|esta manana|esta tarde|this morning)\b", plain):
        return Days("today", today, today)
    return None


def _one_day(year: int, month: int, day: int) -> Days | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return Days("day", found, found)


EMOTIONS: Final = {
    "angry": r"enfad\w*|enoj\w*|ira|rabia|angry|anger|mad",
    "disgust": r"asco|disgust\w*",
    "fear": r"mied\w*|temor|fear\w*|afraid|scared",
    "happy": r"feli\w*|alegr\w*|content[oa]s?|happ\w*|joy|smil\w*|sonri\w*",
    "neutral": r"neutr\w*",
    "sad": r"trist\w*|sad\w*",
    "surprise": r"sorpre\w*|surpris\w*",
}


def emotion_of(text: str) -> str | None:
    """The first of the seven that a message names."""
    plain = " ".join(tokens(text))
    places = {
        name: found.start()
        for name, pattern in EMOTIONS.items()
        if (found := re.search(rf"\b({pattern})\b", plain))
    }
    return min(places, key=lambda name: places[name]) if places else None
