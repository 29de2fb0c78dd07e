"""The language of the shipped model, and every sequence it is trained and judged on.

A ledger is a stream of units: a fact `Ada pearl .`, a question with its answer `? Ada pearl .`, a sentence of a small
grammar, a pause `...`. Facts bind one of 128 names to one of 64 things, drawn independently, so that nothing but the
fact itself tells the answer. Sentences agree in number across relative clauses, and every person keeps one home through
a document (`the baker of Riga`), so that prose too has something to remember over hundreds of tokens.

`sentence`, `recall_task` and `held_out_text` are drawn word for word as in src/core/workload/recall.ts; a change here is
a change there, and tests/core/workload/recall.test.ts holds both to the same golden examples.
Boundary: token ids in lists. Nothing here knows the model.
"""
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = json.loads((ROOT / "src/core/workload/ledger-vocabulary.json").read_text())
TOKENS = VOCABULARY["tokens"]
ID = {token: i for i, token in enumerate(TOKENS)}
BOS = ID["<s>"]
FIRST_WORD = len(VOCABULARY["special"])


def _ids(words):
    if isinstance(words, dict):
        return {name: _ids(value) for name, value in words.items()}
    return ID[words] if isinstance(words, str) else [ID[word] for word in words]


STOP, ASK, COPY, AGAIN, PAUSE = (ID[VOCABULARY["marks"][m]] for m in ("stop", "ask", "copy", "again", "pause"))
KEYS, VALUES = _ids(VOCABULARY["keys"]), _ids(VOCABULARY["values"])
ROLES, CITIES = _ids(VOCABULARY["roles"]), _ids(VOCABULARY["cities"])
NOUNS, RESTS, ACTS = (_ids(VOCABULARY[g]) for g in ("nouns", "rests", "acts"))
DETERMINERS, LINKS = _ids(VOCABULARY["determiners"]), _ids(VOCABULARY["links"])
ADJECTIVES, PLACES = _ids(VOCABULARY["adjectives"]), _ids(VOCABULARY["places"])
THE = ID["the"]
NUMBERS = ("singular", "plural")


def pick(rng, items):
    return items[rng.below(len(items))]


def drawn(rng, items, count):
    """`count` distinct items in random order: the first steps of a Fisher-Yates shuffle."""
    pool = list(items)
    for i in range(count):
        j = i + rng.below(len(pool) - i)
        pool[i], pool[j] = pool[j], pool[i]
    return pool[:count]


def homes(rng):
    """The city of each role in one document. Two roles may share one."""
    return [pick(rng, CITIES) for _ in ROLES]


def noun_phrase(rng, number):
    phrase = [pick(rng, DETERMINERS[number])]
    if rng.below(3) == 0:
        phrase.append(pick(rng, ADJECTIVES))
    return [*phrase, pick(rng, NOUNS[number])]


def subject(rng, home):
    """A person with a home (half of all), or a noun phrase; and the number that the verb must agree with."""
    if rng.below(2) == 0:
        role = rng.below(len(ROLES))
        return [THE, ROLES[role], LINKS["of"], home[role]], "singular"
    number = NUMBERS[rng.below(2)]
    return noun_phrase(rng, number), number


def clause(rng, number):
    """What stands between a subject and its verb: nothing, a place, or a relative clause of either kind."""
    kind = rng.below(4)
    if kind == 0:
        return []
    if kind == 1:
        return [LINKS["near"], THE, pick(rng, PLACES)]
    other = NUMBERS[rng.below(2)]
    if kind == 2:
        return [LINKS["that"], pick(rng, ACTS[number]), *noun_phrase(rng, other)]
    return [LINKS["that"], *noun_phrase(rng, other), pick(rng, ACTS[other])]


def sentence(rng, home):
    words, number = subject(rng, home)
    words = [*words, *clause(rng, number)]
    if rng.below(2) == 0:
        return [*words, pick(rng, RESTS[number]), STOP]
    return [*words, pick(rng, ACTS[number]), *subject(rng, home)[0], STOP]


def held_out_text(rng, tokens):
    """A document of prose, BOS first, cut at `tokens`."""
    home = homes(rng)
    ids = [BOS]
    while len(ids) < tokens:
        ids += sentence(rng, home)
    return ids[:tokens]


def filler(rng, tokens, keys, home):
    """Exactly `tokens` tokens of other facts and sentences, evenly drawn; pauses fill what no unit fits."""
    ids = []
    while len(ids) < tokens:
        fact = rng.below(2) == 0 and keys
        unit = [keys.pop(), pick(rng, VALUES), STOP] if fact else sentence(rng, home)
        ids += unit if len(ids) + len(unit) <= tokens else [PAUSE]
    return ids


def recall_task(rng, distance, depth, context):
    """One question at the end: {ids, answerPosition, answerId, factPosition}.

    ids[0 : answerPosition] is the prompt, `? name` last; the model must continue with answerId. The fact's value stands
    `distance` tokens before the answer. depth 0 puts the fact right behind BOS, 1 as far behind as context allows.
    """
    # Before the value stand BOS and the fact's name.
    free = context - distance - 3
    if distance < 4 or free < 0:
        raise ValueError(f"distance {distance} does not fit a context of {context}")
    home = homes(rng)
    keys = drawn(rng, KEYS, len(KEYS))
    key, value = keys.pop(), pick(rng, VALUES)
    before = int(depth * free + 0.5)
    ids = [BOS, *filler(rng, before, keys, home), key, value, STOP]
    fact = len(ids) - 2
    ids += [*filler(rng, distance - 4, keys, home), ASK, key]
    return {"ids": ids, "answerPosition": len(ids), "answerId": value, "factPosition": fact}


# Training sequences: (ids, weights). weights[i] is the class of ids[i] as a target: 0 not learned, 1 answer, 2 prose.
ANSWER, PROSE = 1, 2


def repeat(rng, tokens):
    """`copy` w1..wn `again` w1..wn ...: every repeated word is an answer. The words of one run differ."""
    room = min(len(TOKENS) - FIRST_WORD, (tokens - 2) // 2)
    count = room // 4 + rng.below(room - room // 4)
    run = drawn(rng, range(FIRST_WORD, len(TOKENS)), count)
    ids, labels = [BOS, COPY, *run], [0] * (2 + count)
    while len(ids) < tokens:
        ids += [AGAIN, *run]
        labels += [0] + [ANSWER] * count
    return ids[:tokens], labels[:tokens]


def pairs(rng, tokens):
    """Rounds of the same pairs of words, each round in another order: the second word is an answer from round two on.

    Order and position tell nothing, so only looking up the first word does, at three answers in eight tokens.
    """
    count = 4 + rng.below(max(1, min((len(TOKENS) - FIRST_WORD) // 2, tokens // 4) - 3))
    words = drawn(rng, range(FIRST_WORD, len(TOKENS)), 2 * count)
    bound = [words[i : i + 2] for i in range(0, 2 * count, 2)]
    ids, labels, answer = [BOS], [0], 0
    while len(ids) < tokens:
        for pair in drawn(rng, bound, count):
            ids += pair
            labels += [0, answer]
        answer = ANSWER
    return ids[:tokens], labels[:tokens]


def prose(rng, tokens):
    return held_out_text(rng, tokens), [0] + [PROSE] * (tokens - 1)


def people(rng, tokens):
    """Persons alone, `the baker of Riga .`: the city is an answer from a person's second mention on."""
    home, named, ids, labels = homes(rng), set(), [BOS], [0]
    count = 4 + rng.below(len(ROLES) - 3)
    among = drawn(rng, range(len(ROLES)), count)
    while len(ids) < tokens:
        role = pick(rng, among)
        ids += [THE, ROLES[role], LINKS["of"], home[role], STOP]
        labels += [0, 0, 0, ANSWER if role in named else 0, 0]
        named.add(role)
    return ids[:tokens], labels[:tokens]


def ledger(rng, tokens, prose_in_eight):
    """Facts first, questions later, sentences between: of eight units, `prose_in_eight` are sentences.

    A quarter of the ledgers ask early too. Each fact is asked at most once, in random order.
    """
    home, keys = homes(rng), drawn(rng, KEYS, len(KEYS))
    ids, labels, open_facts = [BOS], [0], []
    asks_early = rng.below(4) == 0
    telling = tokens * (3 if prose_in_eight == 0 else 2 + rng.below(6)) // (7 if prose_in_eight == 0 else 8)

    def add(unit, label):
        ids.extend(unit)
        labels.extend(label)

    def tell():
        fact = (keys.pop(), pick(rng, VALUES))
        open_facts.append(fact)
        add([*fact, STOP], [0, 0, 0])

    def ask():
        i = rng.below(len(open_facts))
        open_facts[i], open_facts[-1] = open_facts[-1], open_facts[i]
        key, value = open_facts.pop()
        add([ASK, key, value, STOP], [0, 0, ANSWER, 0])

    def say():
        unit = sentence(rng, home)
        add(unit, [PROSE] * len(unit))

    late_prose = prose_in_eight if rng.below(2) == 0 else 0
    while len(ids) < tokens:
        told = len(ids) >= telling
        if rng.below(8) < (late_prose if told else prose_in_eight):
            say()
        elif open_facts and (told or (asks_early and rng.below(3) == 0)):
            ask()
        elif keys:
            tell()
        else:
            say()
        if rng.below(32) == 0:
            pauses = 1 + rng.below(4)
            add([PAUSE] * pauses, [0] * pauses)
    return ids[:tokens], labels[:tokens]


KINDS = {
    "repeat": repeat,
    "pairs": pairs,
    "dense": lambda rng, tokens: ledger(rng, tokens, 0),
    "mixed": lambda rng, tokens: ledger(rng, tokens, 1 + rng.below(7)),
    "prose": prose,
    "people": people,
}


def sequence(rng, tokens, mix):
    """One training sequence; `mix` is {kind: whole-number share}."""
    draw = rng.below(sum(mix.values()))
    for kind, share in mix.items():
        draw -= share
        if draw < 0:
            return KINDS[kind](rng, tokens)
    raise AssertionError("a share below zero")
