"""Eight interpreters, one gigabyte of text, no copies."""

import sys
import threading

import interlane
from interlane import interpreters

repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000_000
text = "to be or not to be, " * repeats  # 1 GB by default, of which there is one copy from here on
send_task, tasks = interlane.create_channel()
send_answer, answers = interlane.create_channel()
count = """
text, word = tasks.recv()
send_answer.send((word, text.count(word)))
"""

for word in ("to", "be", "or", "not", "or not", "be,", "o", "e"):
    worker = interpreters.create()
    worker.prepare_main(tasks=tasks, send_answer=send_answer)
    threading.Thread(target=worker.exec, args=(count,)).start()
    send_task.send((text, word))
for _ in range(8):
    print(*answers.recv())
