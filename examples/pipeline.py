"""Three stages in interpreters, with back-pressure.

    python pipeline.py [FOLDER]

    read  --texts-->  tokenize (two interpreters)  --names-->  count

The channels between them are bounded: a stage that is ahead waits in `send` until the next one has taken
something, so that a fast reader never fills the memory. A stage that ends closes its ends: the next one
drains what is left, then its loop ends, too.
"""

import sys
import sysconfig
from collections import Counter
from pathlib import Path

import interlane

CAPACITY = 8


def read(folder, texts):
    """Sends the text of each Python file; returns how many there were."""
    count = 0
    with texts:
        for path in filter(Path.is_file, sorted(Path(folder).glob("*.py"))):
            texts.send((path.name, path.read_text(encoding="utf-8", errors="replace")))
            count += 1
    return count


def tokenize(texts, names):
    """Sends the names that are in each text."""
    import io
    import tokenize
    from keyword import iskeyword

    with texts, names:
        for file, text in texts:
            try:
                tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
            except (SyntaxError, tokenize.TokenError):
                tokens = []  # tests of the tokenizer, and the like
            found = [token.string for token in tokens if token.type == tokenize.NAME]
            names.send((file, [name for name in found if not iskeyword(name)]))


def count(names):
    """Counts all names; returns how many files they were in, and the most frequent ones."""
    files, total = 0, Counter()
    with names:
        for _, found in names:
            files += 1
            total.update(found)
    return files, total.most_common(5)


def main(folder):
    """Runs the stages."""
    send_texts, texts = interlane.create_channel(CAPACITY)
    send_names, names = interlane.create_channel(CAPACITY)
    with interlane.InterpreterPoolExecutor(4) as pool:
        reader = pool.submit(read, folder, send_texts)
        tokenizers = [pool.submit(tokenize, texts, send_names) for _ in range(2)]
        counter = pool.submit(count, names)
        # Each stage has ends of its own now. These would keep the channels open, also when a stage fails.
        for end in (send_texts, texts, send_names, names):
            end.close()
        files, frequent = counter.result()
        for stage in (reader, *tokenizers):
            stage.result()
    assert files == reader.result()
    print(f"{files} files, never more than {CAPACITY} of them waiting between two stages")
    for name, times in frequent:
        print(f"{times:8} {name}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("stdlib"))
