"""What the practice model says around what the tools gave back, in its three languages."""

PHRASES = {
    "english": {
        "which": "Which US state or territory do you mean? Name it and I will look up its active weather alerts.",
        "alerts": "Weather alerts for {place}:",
        "none": "{place}: no active weather alerts; the tool gave back nothing.",
        "result": "The tool {place} says:",
        "error": "I could not get what you asked for {place}. The tool reported an error: {error}",
        "cut": "[cut here: {count} more characters]",
        "hello": "Hello! I am the practice model, a scripted stand-in for a language model.",
        "can": "Ask me about active weather alerts in a US state.",
        "cannot": "I know nothing by myself, and I have no tool here that could answer this: “{text}”",
        "thanks": "You are welcome. Ask me about another state whenever you like.",
    },
    "french": {
        "which": "De quel État ou territoire américain parlez-vous ? Nommez-le et je chercherai ses alertes météo.",
        "alerts": "Alertes météo pour {place} :",
        "none": "{place} : aucune alerte météo en vigueur ; l'outil n'a rien renvoyé.",
        "result": "L'outil {place} répond :",
        "error": "Je n'ai pas pu obtenir ce que vous demandez pour {place}. L'outil signale une erreur : {error}",
        "cut": "[coupé ici : encore {count} caractères]",
        "hello": "Bonjour ! Je suis le modèle d'entraînement, un remplaçant scripté d'un modèle de langage.",
        "can": "Interrogez-moi sur les alertes météo en vigueur dans un État américain.",
        "cannot": "Je ne sais rien par moi-même, et aucun outil ici ne permet de répondre à ceci : « {text} »",
        "thanks": "Avec plaisir. Interrogez-moi sur un autre État quand vous voudrez.",
    },
    "spanish": {
        "which": "¿De qué estado o territorio de EE. UU. habla? Nómbrelo y buscaré sus alertas meteorológicas.",
        "alerts": "Alertas meteorológicas para {place}:",
        "none": "{place}: no hay alertas meteorológicas activas; la herramienta no devolvió nada.",
        "result": "La herramienta {place} responde:",
        "error": "No pude obtener lo que pide para {place}. La herramienta informó de un error: {error}",
        "cut": "[cortado aquí: {count} caracteres más]",
        "hello": "¡Hola! Soy el modelo de práctica, un sustituto con guion de un modelo de lenguaje.",
        "can": "Pregúnteme por las alertas meteorológicas activas en un estado de EE. UU.",
        "cannot": "No sé nada por mí mismo, y no tengo aquí ninguna herramienta para responder a esto: «{text}»",
        "thanks": "De nada. Pregúnteme por otro estado cuando quiera.",
    },
}


def say(language: str, phrase: str, **values: object) -> str:
    """One phrase in one language, its blanks filled in."""
    return PHRASES[language][phrase].format(**values)
