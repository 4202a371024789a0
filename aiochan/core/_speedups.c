/* The compiled core: what the modules of aiochan.core say in Python, in C. Same names, same meaning.
 *
 * Who knows Go's runtime finds its parts in this order:
 *
 *      state.h       the structures: Chan (hchan), Op and Node (sudog), RunQueue; the state of the module
 *      method.h      methods that are coroutine functions
 *      runqueue.h    woken tasks and the budget of operations (goready, gosched)
 *      line.h        lines of sleeping tasks; `commit`, the one place where it is decided who is served
 *      channel.h     a channel: put, take, close, and how permits go on (chansend, chanrecv, closechan)
 *      choosing.h    the dice, and the first two passes of a select (selectgo)
 *      answers.h     what an operation answers, and raises
 *      operation.h   the life of an operation: made, tried, asleep, awake again, given back
 *      coroutine.h   an operation as a coroutine
 *      waiter.h      an operation as what a task waits for, and as tools see it
 *      ends.h        the one-way views, which serve the channel too
 *      signal.h      Signal
 *      looking.h     a channel looked at, and checked
 *      chan.h        the channel as people make it
 *      waitqueue.h   WaitQueue
 *      cases.h       recv, recv_ok, send, select and its family; the dice; the observer
 *
 * One object, `Op`, is what `ch.send(v)` returns: something to be awaited, what the task then waits for, and its place
 * in a line, all at once; a plain operation is a select with one case. docs/internals.md draws its life.
 *
 * What must be so everywhere
 * --------------------------
 * - A value, a permit and a place each have one owner at any moment, and C1 and C2 of hchan.py hold whenever Python
 *   code runs. C3 and C4 hold but while several are told one after the other: those who come last still sleep.
 * - Python code may run in any Py_DECREF, in any allocation of a collected object (3.11 collects there), and in
 *   whatever calls the loop, the observer or somebody else's dice. So no borrowed reference is used across one, and
 *   what was seen before is looked at again.
 * - What can fail comes before what changes anything: whoever gets an error finds everything as it was.
 * - All state is that of the module, one for each interpreter.
 *
 * It is one translation unit of many files: the compiler can put the small functions where they are used.
 */

#include "speedups/state.h"
#include "speedups/docs.h"
#include "speedups/method.h"
#include "speedups/runqueue.h"
#include "speedups/line.h"
#include "speedups/channel.h"
#include "speedups/choosing.h"
#include "speedups/answers.h"
#include "speedups/operation.h"
#include "speedups/coroutine.h"
#include "speedups/waiter.h"
#include "speedups/ends.h"
#include "speedups/signal.h"
#include "speedups/looking.h"
#include "speedups/chan.h"
#include "speedups/waitqueue.h"
#include "speedups/cases.h"

static PyMethodDef functions[] = {
    {"recv", _PyCFunction_CAST(case_recv), FAST, DOC_recv},
    {"recv_ok", _PyCFunction_CAST(case_recv_ok), FAST, DOC_recv_ok},
    {"send", _PyCFunction_CAST(case_send), FAST, DOC_send},
    {"select", _PyCFunction_CAST(do_select), FAST, DOC_select},
    {"select_nowait", _PyCFunction_CAST(do_select_nowait), FAST, DOC_select_nowait},
    {"select_loop", _PyCFunction_CAST(do_select_loop), FAST, DOC_select_loop},
    {"never", do_never, METH_NOARGS, DOC_never},
    {"set_dice", _PyCFunction_CAST(set_dice), FAST, DOC_set_dice},
    {"seed", _PyCFunction_CAST(seed), FAST, DOC_seed},
    {"set_budget", _PyCFunction_CAST(set_budget), METH_VARARGS | METH_KEYWORDS, DOC_set_budget},
    {"budget_left", budget_left, METH_NOARGS, DOC_budget_left},
    {"_choose", _PyCFunction_CAST(do_choose), METH_FASTCALL, NULL},
    {"_observe", set_observer, METH_O, NULL},
    {"_in_child", in_child, METH_NOARGS, NULL},
    {NULL},
};

/* -- the module */

static int find(const char *module, const char *name, PyObject **found) {
    PyObject *home = PyImport_ImportModule(module);
    *found = home ? PyObject_GetAttrString(home, name) : NULL;
    Py_XDECREF(home);
    return *found ? 0 : -1;
}

static int find_all(State *st) {
    const struct {
        const char *module, *name;
        PyObject **found;
    } wanted[] = {
        {"asyncio", "get_running_loop", &st->get_running_loop},
        {"asyncio", "Future", &st->Future},
        {"asyncio", "Task", &st->Task},
        {"asyncio", "CancelledError", &st->CancelledError},
        {"math", "inf", &st->infinity},
        {"aiochan.errors", "ChannelClosed", &st->ChannelClosed},
        {"aiochan.errors", "WouldBlock", &st->WouldBlock},
        {"aiochan.errors", "MisuseError", &st->MisuseError},
        {"aiochan.core.runqueue", "wrong_loop", &st->wrong_loop},
        {"aiochan.core.hchan", "whole", &st->whole},
        {"aiochan.core.ends", "coroutine_function", &st->coroutine_function},
        {"aiochan.core.stats", "Stats", &st->Stats},
        {"aiochan.core.stats", "Snapshot", &st->Snapshot},
        {"aiochan.core.waiters", "Parked", &st->Parked},
        {"aiochan.core.reservation", "Reservation", &st->Reservation},
        {"aiochan.core.typed_select", "SelectLoop", &st->SelectLoop},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(wanted); i++)
        if (find(wanted[i].module, wanted[i].name, wanted[i].found) < 0) return -1;
    return 0;
}

static int name_all(State *st) {
    static const char *const wants[] = {"recv", "recv_ok", "done", "send", "reserve", "wait"};
    static const char *const overflows[] = {"wait", "drop_oldest", "drop_newest"};
    const struct {
        const char *text;
        PyObject **name;
    } names[] = {
        {"_asyncio_future_blocking", &st->s_blocking},
        {"get_loop", &st->s_get_loop},
        {"add_done_callback", &st->s_add_done_callback},
        {"call_soon", &st->s_call_soon},
        {"is_closed", &st->s_is_closed},
        {"get_debug", &st->s_get_debug},
        {"single_steps", &st->s_single_steps},
        {"set_result", &st->s_set_result},
        {"parked", &st->s_parked},
        {"wake", &st->s_wake},
        {"woken", &st->s_woken},
        {"left", &st->s_left},
        {"closed", &st->s_closed},
        {"__self__", &st->s_self},
        {"__name__", &st->s_name},
        {"__qualname__", &st->s_qualname},
        {"__module__", &st->s_module},
        {"_choose", &st->s_choose},
        {"args", &st->s_args},
        {"warnings", &st->s_warnings},
        {"_warn_unawaited_coroutine", &st->s_warn},
        {"", &st->empty},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(wants); i++)
        if ((st->wants[i] = PyUnicode_InternFromString(wants[i])) == NULL) return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(overflows); i++)
        if ((st->overflows[i] = PyUnicode_InternFromString(overflows[i])) == NULL) return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++)
        if ((*names[i].name = PyUnicode_InternFromString(names[i].text)) == NULL) return -1;
    st->kw_context = Py_BuildValue("(s)", "context");
    st->kw_loop = Py_BuildValue("(s)", "loop");
    st->never = Py_BuildValue("(OOO)", Py_None, st->wants[RECV], Py_None);
    return st->kw_context && st->kw_loop && st->never ? 0 : -1;
}

static PyTypeObject *make(PyObject *module, PyType_Spec *spec, PyObject *bases /* stolen; NULL: object */) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, bases);
    Py_XDECREF(bases);
    return type;
}

static int make_all(PyObject *module, State *st) {
    if (!(st->Method_type = make(module, &method_spec, NULL)) ||
        !(st->RunQueue_type = make(module, &runqueue_spec, NULL)) ||
        !(st->Adder_type = make(module, &adder_spec, NULL)) ||
        !(st->Answer_type = make(module, &answer_spec, PyTuple_Pack(1, PyExc_StopIteration))) ||
        !(st->Op_type = make(module, &waiter_spec, NULL)) || !(st->End_type = make(module, &end_spec, NULL)) ||
        !(st->SendChan_type = make(module, &sendchan_spec, PyTuple_Pack(1, st->End_type))) ||
        !(st->RecvChan_type = make(module, &recvchan_spec, PyTuple_Pack(1, st->End_type))) ||
        !(st->Chan_type = make(module, &chan_spec, PyTuple_Pack(2, st->SendChan_type, st->RecvChan_type))) ||
        !(st->Signal_type = make(module, &signal_spec, PyTuple_Pack(1, st->RecvChan_type))) ||
        !(st->WaitQueue_type = make(module, &waitqueue_spec, NULL)))
        return -1;
    if (add_methods(st, st->SendChan_type, sendchan_operations) < 0 ||
        add_methods(st, st->RecvChan_type, recvchan_operations) < 0 ||
        add_methods(st, st->Chan_type, chan_operations) < 0 ||
        add_methods(st, st->Signal_type, signal_operations) < 0 ||
        add_methods(st, st->WaitQueue_type, waitqueue_operations) < 0)
        return -1;
    PyTypeObject *const shown[] = {
        st->SendChan_type, st->RecvChan_type, st->Chan_type, st->Signal_type, st->WaitQueue_type, st->Op_type};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(shown); i++)
        if (PyModule_AddType(module, shown[i]) < 0) return -1;
    return 0;
}

/* Who installs an observer tells us, and a forked child too. */
static int be_told(PyObject *module) {
    PyObject *listeners = NULL, *result = NULL, *os = NULL, *in_child = NULL,
             *observe = PyObject_GetAttrString(module, "_observe");
    if (observe && find("aiochan.core.hooks", "listeners", &listeners) == 0)
        result = PyObject_CallMethod(listeners, "append", "O", observe);
    int failed = result == NULL;
    Py_XDECREF(result);
    Py_XDECREF(observe);
    Py_XDECREF(listeners);
    if (failed || !(os = PyImport_ImportModule("os"))) return -1;
    in_child = PyObject_HasAttrString(os, "register_at_fork") ? PyObject_GetAttrString(module, "_in_child") : NULL;
    if (in_child) {
        PyObject *none = PyTuple_New(0), *by_name = Py_BuildValue("{sO}", "after_in_child", in_child);
        PyObject *registrar = none && by_name ? PyObject_GetAttrString(os, "register_at_fork") : NULL;
        result = registrar ? PyObject_Call(registrar, none, by_name) : NULL;
        failed = result == NULL;
        Py_XDECREF(result);
        Py_XDECREF(registrar);
        Py_XDECREF(none);
        Py_XDECREF(by_name);
    }
    Py_XDECREF(in_child);
    Py_DECREF(os);
    return failed || PyErr_Occurred() ? -1 : 0;
}

static int module_exec(PyObject *module) {
    State *st = PyModule_GetState(module);
    st->free_max = FREE_MAX;
    st->turn = 256;
    st->patience = 1024;
    st->budget = allowance(st->patience);
    if (name_all(st) < 0 || find_all(st) < 0 || make_all(module, st) < 0) return -1;
    return seed_dice(st, Py_None) < 0 || be_told(module) < 0 ? -1 : 0;
}

/* All that the state refers to, one after the other. */
static PyObject **reference(State *st, size_t i) {
    PyObject **const references[] = {
        (PyObject **)&st->End_type,
        (PyObject **)&st->SendChan_type,
        (PyObject **)&st->RecvChan_type,
        (PyObject **)&st->Chan_type,
        (PyObject **)&st->Signal_type,
        (PyObject **)&st->WaitQueue_type,
        (PyObject **)&st->Op_type,
        (PyObject **)&st->RunQueue_type,
        (PyObject **)&st->Adder_type,
        (PyObject **)&st->Answer_type,
        (PyObject **)&st->Method_type,
        &st->coroutine_function,
        &st->observer,
        &st->dice,
        &st->get_running_loop,
        &st->Future,
        &st->Task,
        &st->CancelledError,
        &st->ChannelClosed,
        &st->WouldBlock,
        &st->MisuseError,
        &st->wrong_loop,
        &st->whole,
        &st->Stats,
        &st->Snapshot,
        &st->Parked,
        &st->Reservation,
        &st->SelectLoop,
        &st->infinity,
        &st->never,
        &st->wants[0],
        &st->wants[1],
        &st->wants[2],
        &st->wants[3],
        &st->wants[4],
        &st->wants[5],
        &st->overflows[0],
        &st->overflows[1],
        &st->overflows[2],
        &st->s_blocking,
        &st->s_get_loop,
        &st->s_add_done_callback,
        &st->s_call_soon,
        &st->s_is_closed,
        &st->s_get_debug,
        &st->s_single_steps,
        &st->empty,
        &st->s_set_result,
        &st->s_parked,
        &st->s_wake,
        &st->s_woken,
        &st->s_left,
        &st->s_closed,
        &st->s_self,
        &st->s_name,
        &st->s_qualname,
        &st->s_module,
        &st->s_choose,
        &st->s_warnings,
        &st->s_warn,
        &st->s_args,
        &st->kw_context,
        &st->kw_loop,
    };
    return i < Py_ARRAY_LENGTH(references) ? references[i] : NULL;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    State *st = PyModule_GetState(module);
    PyObject **found;
    for (size_t i = 0; (found = reference(st, i)); i++) Py_VISIT(*found);
    for (int i = 0; i < st->n_free; i++) Py_VISIT(Py_TYPE(st->free[i])); /* what is kept for later keeps its type */
    if (st->answer) Py_VISIT(Py_TYPE(st->answer));
    return 0;
}

static int module_clear(PyObject *module) {
    State *st = PyModule_GetState(module);
    PyObject **found, *answer = st->answer;
    st->free_max = 0; /* nothing is kept for later any more */
    while (st->n_free) waiter_free(st->free[--st->n_free]);
    st->answer = NULL; /* this may be called again */
    Py_XDECREF(answer);
    for (size_t i = 0; (found = reference(st, i)); i++) Py_CLEAR(*found);
    return 0;
}

static void module_free(void *module) { module_clear((PyObject *)module); }

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_MOD_PER_INTERPRETER_GIL_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_MOD_GIL_USED
    {Py_mod_gil, Py_MOD_GIL_USED}, /* until the opposite is proved */
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "aiochan.core._speedups",
    .m_doc = "The compiled core; see aiochan.core.",
    .m_size = sizeof(State),
    .m_methods = functions,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__speedups(void) { return PyModuleDef_Init(&module_def); }
