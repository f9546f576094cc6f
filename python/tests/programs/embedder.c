/* Starts and ends the interpreter three times in one process; the program runs in each of them. */
#include <Python.h>

#include <stdio.h>

static const char *const PROGRAM =
    "import time\n"
    "import pyrometer\n"
    "agent = pyrometer.start(service='embedded', rate=500)\n"
    "told = 'running' if agent.running else 'refused'\n"
    "end = time.thread_time() + 0.1\n"
    "while time.thread_time() < end:\n"
    "    sum(range(300))\n"
    "print(told, flush=True)\n";

int main(void) {
    for (int life = 0; life < 3; life++) {
        Py_Initialize();
        if (PyRun_SimpleString(PROGRAM) != 0 || Py_FinalizeEx() != 0) {
            fprintf(stderr, "life %d failed\n", life);
            return 1;
        }
    }
    return 0;
}
