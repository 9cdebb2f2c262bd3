"""Which of the workshop's languages a short text is in: a list of small words, greetings and weather words."""

import re

from workshop.practice.states import STATES, without_accents

LANGUAGES = ("english", "french", "spanish")

# What each language is called in tool names and instructions, without accents.
NAMES = {
    "english": ("english", "anglais", "ingles"),
    "french": ("french", "francais", "frances", "francophone"),
    "spanish": ("spanish", "espagnol", "espanol", "castellano", "hispanophone"),
}

_WORDS = {
    "english": """
        a about active after again alert alerts all am an and any anything are areas at bad be before can come could
        did do does expected flood flooding for from get give going good has have hello help hey hi how hurricane i in
        is it its know let like look me morning much my near need next not now of on or our outside over please rain
        report right safe severe should show snow so some storm storms tell thank thanks that the there they this
        today tomorrow tonight tornado up us warning warnings watch we weather week what when where which who why will
        wind with would yes you your
    """,
    "french": """
        a ai ainsi alerte alertes apres au aucun aucune aujourd'hui aux avec avis avoir avons beau besoin bonjour
        bonsoir canicule ce ces cet cette chez chaud combien comment connaitre contre coucou cours crue crues dans de
        des deux dire dis dit dites doit dois donc donne donner donnez du elle en encore entre es est et etat etats
        etes etre fait faire faut fait fin fort froid il ils inondation inondations intemperies je jour jours l'etat
        la le les leur lui ma mais maintenant mal matin mauvais me merci mes meteo mettre moi mon neige nous nuit on
        orage orages ou ouragan ouragans par parle parler pas peut peux pluie plus pour pouvez pourquoi pourriez
        prevoir prevu prevue prevues qu'il quand que quel quelle quelles quels qui quoi risque risques sa salut
        s'il sans savoir se semaine ses si signaler soir soleil soit sommes son sont souhaite sur svp te temps tempete
        tempetes tes toi ton tornade tornades toujours tous tout toute toutes tres tu un une vais va vent vents vers
        veux vigilance voir vont votre voudrais vous y
    """,
    "spanish": """
        a activa activas activo activos ahi ahora al algo algun alguna algunas alguno algunos alerta alertas alli
        aqui asi aviso avisos ayuda ayer bien buenas bueno buenos calor cerca clima como con contra cual cuales
        cuando cuanto cuantas cuantos cuidado da dame de debo decir decirme del desde dia dias dime donde dos el ella
        ellos en entre eres es esa ese eso esta estado estados estan estar estas este esto estoy favor fin fuerte
        fuertes gracias ha haber hace hacia han hasta hay hola hoy huracan huracanes informacion inundacion
        inundaciones ir la las le les lluvia lluvias lo los mal manana mas me mejor mi mis mucha mucho muy nada necesito
        ni nieve niebla no noche noches nos nosotros o os otra otro para pero peligro por porque pronostico puede puedes
        puedo que quiero quien quisiera saber se sea semana sequia ser si sin sobre son soy su sus tal tambien tarde
        tardes te temporal tengo tiempo tiene tienen todo todos tormenta tormentas tornado tornados tu tus un una unas
        unos usted va vamos ver viento vientos vigente vigentes vosotros y ya yo
    """,
    # German, Portuguese, Italian, Dutch: words that would otherwise be taken for one of the three.
    "other": """
        aan aber alguem allerta allerte auch aviso bitte bom boa bonasera buongiorno che chuva ci ciao con das dei della
        den der die di ein eine em er es esta estao ist fur gibt guten gut hallo ha het heute ich il ik in io italiano
        ja keine kein la mich mir mit morgen na nao nel nell no nos o ola oi os para pela per piove piu por qual quais
        sao se sind sono sturm tem tempestade tempo und uma unwetter va voce voces wie wetter wetterwarnungen wo zijn
    """,
}
_WORD_SETS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
# A word of one list alone says more than one of several lists.
_WEIGHT = {1: 3.0, 2: 1.0, 3: 0.4, 4: 0.2}
_GREETINGS = {
    "bonjour": "french",
    "bonsoir": "french",
    "salut": "french",
    "merci": "french",
    "hola": "spanish",
    "gracias": "spanish",
    "hello": "english",
    "thanks": "english",
}
_SIGNS = {
    "french": re.compile(r"[çœêèûùîâëï]|\b(?:[cdjlmnst]|qu)'\w"),
    "spanish": re.compile(r"[¿¡ñ]|ción\b"),
    "other": re.compile(r"[ãõßäö]"),
}
# "Nevada" and "Colorado" say nothing of the language; "Floride" does.
_STATE = re.compile(r"\b(?:" + "|".join(names[0].lower().replace(".", r"\.") for names in STATES.values()) + r")\b")
# The way words end where the lists do not know them.
_ENDINGS = {
    "french": re.compile(r"(?:eaux?|eux|euse|ez|ique|iques|ement|oire|aient|ees?)$"),
    "spanish": re.compile(r"(?:cion|ciones|dad|ando|iendo|ados?|adas?|idos?|idas?|mente|ito|itos|uela)$"),
    "english": re.compile(r"(?:ing|ght|tion|ness|ful|ly|ould|th)$"),
}


def recognise(text: str) -> str:
    """`english`, `french` or `spanish`; English too if it is another language or nothing can be told."""
    lower = text.lower().replace("\u2019", "'")
    words = re.findall(r"[a-z]+(?:'[a-z]+)*", _STATE.sub(" ", without_accents(lower)))
    scores = dict.fromkeys(_WORD_SETS, 0.0)
    for word in words:
        parts = {word, *word.split("'")} if "'" in word else {word}
        known = [(language, part) for part in parts for language, known in _WORD_SETS.items() if part in known]
        for language, part in known:
            scores[language] += _WEIGHT[sum(other == part for _, other in known)]
        if word in _GREETINGS:
            scores[_GREETINGS[word]] += 1.0
        if not known:
            for language, ending in _ENDINGS.items():
                scores[language] += 0.6 if ending.search(word) else 0.0
    for language, sign in _SIGNS.items():
        scores[language] += min(3.0, 1.5 * len(sign.findall(lower)))
    best = max(scores, key=lambda language: (scores[language], language == "english"))
    return best if best in LANGUAGES and scores[best] > 0 else "english"


def named_in(text: str) -> str | None:
    """The one language that instructions name ("You answer in French"), or None if they name none or several."""
    plain = without_accents(text).lower()
    named = [language for language, names in NAMES.items() if re.search(rf"\b(?:{'|'.join(names)})\b", plain)]
    if len(named) > 1:
        answers = re.search(
            rf"(?:answer|respond|reply|speak|write|repon\w*|respond\w*|contest\w*|habl\w*|parl\w*)\W+(?:only\W+|solo\W+|en\W+|in\W+|toujours\W+)*"
            rf"({'|'.join(name for names in NAMES.values() for name in names)})\b",
            plain,
        )
        return next((lang for lang, names in NAMES.items() if answers and answers[1] in names), None)
    return named[0] if named else None
