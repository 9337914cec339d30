/*
 * Counts the instructions that a program under qemu's user mode executes, and writes the count at
 * every mark.
 *
 * A mark is a system call that programs hardly ever make (number: argument "marker="; from Python
 * os.sched_get_priority_min): nothing has to be linked into the program. At each mark one line goes
 * to the error stream:
 *
 *     mnv4bench-mark OWN OTHERS
 *
 * OWN is the instructions so far of the thread that marks, OTHERS those of all other threads.
 * Counted is per translated block, when it is entered.
 *
 * The interface is qemu's qemu-plugin.h, which distributions do not ship, so the few functions that
 * are used are declared here. None of them has changed its parameters from interface version 1 on;
 * INTERFACE is the version that the qemu at hand wants.
 *
 * SPDX-License-Identifier: MIT
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
 * associated documentation files (the "Software"), to deal in the Software without restriction,
 * including without limitation the rights to use, copy, modify, merge, publish, distribute,
 * sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in all copies or
 * substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
 * NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
 * NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
 * DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 * OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define NO_REGISTERS 0 /* the callback reads none: QEMU_PLUGIN_CB_NO_REGS */
#define MAX_THREADS 1024

struct qemu_plugin_tb;
typedef uint64_t plugin_id;
typedef void (*translated)(plugin_id, struct qemu_plugin_tb *);
typedef void (*entered)(unsigned int vcpu, void *data);
typedef void (*called)(plugin_id, unsigned int vcpu, int64_t number, uint64_t, uint64_t, uint64_t,
                       uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, entered, int, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, called);

SHOWN int qemu_plugin_version = INTERFACE;

/* A thread counts in a cell of its own, so nothing is lost and nothing has to be locked. */
static uint64_t counts[MAX_THREADS];
static long marker = -1;

static void on_entry(unsigned int vcpu, void *instructions)
{
    counts[vcpu % MAX_THREADS] += (uintptr_t)instructions;
}

static void on_translation(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_entry, NO_REGISTERS,
                                         (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void on_call(plugin_id id, unsigned int vcpu, int64_t number, uint64_t a, uint64_t b,
                    uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (number != marker)
        return;
    uint64_t own = counts[vcpu % MAX_THREADS], all = 0;
    for (size_t i = 0; i < MAX_THREADS; i++)
        all += counts[i];
    char line[96];
    /* On a line of its own, whatever the program wrote before; in one piece. */
    int length = snprintf(line, sizeof line, "\nmnv4bench-mark %" PRIu64 " %" PRIu64 "\n", own,
                          all - own);
    if (write(STDERR_FILENO, line, (size_t)length) != length)
        _exit(1); /* a lost mark would be a wrong count */
}

SHOWN int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (sscanf(argv[i], "marker=%ld", &marker) != 1)
            return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    return 0;
}
