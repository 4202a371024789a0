/* What an operation on a channel cannot be cheaper than: awaits and switches of tasks, with no channel in them.
 *
 *   finished()        an object that is awaited and has already finished
 *   switch_task()     an object that is awaited once the others that are awake had their turn; it may be awaited again
 *   use(done)         from here on, work for the loop of this future, which is finished: tasks are woken with it
 *
 * A run queue as the core has one, and as bare as asyncio.Task lets it be: no threads, no loops side by side, no value,
 * no cancellation. So everything that is made once is static.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define PLACES 64 /* in the ring, a power of two */
#define TURN 256  /* wake-ups in one turn of the loop, as many as the core's operations */

typedef struct {
    PyObject *wakeup, *context;
} Woken;

static Woken ring[PLACES];
static unsigned first, length;
static int scheduled;
static PyObject *loop, *done;
static PyObject *drain, *get_loop, *add_done_callback; /* functions, made once */
static PyObject *name_blocking, *name_get_loop, *name_add_done_callback, *name_call_soon;

/* -- the run queue */

static int schedule(void) {
    PyObject *handle = PyObject_CallMethodOneArg(loop, name_call_soon, drain);
    if (handle == NULL) {
        return -1;
    }
    Py_DECREF(handle);
    scheduled = 1;
    return 0;
}

static int resume(Woken *woken) {
    if (PyContext_Enter(woken->context) < 0) {
        return -1;
    }
    PyObject *answer = PyObject_CallOneArg(woken->wakeup, done);
    if (PyContext_Exit(woken->context) < 0) {
        Py_CLEAR(answer);
    }
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static PyObject *floors_drain(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing)) {
    for (int left = TURN; left > 0 && length > 0; left--) {
        Woken woken = ring[first];
        first = (first + 1) % PLACES;
        length--;
        int failed = resume(&woken);
        Py_DECREF(woken.wakeup);
        Py_DECREF(woken.context);
        if (failed) {
            return NULL;
        }
    }
    scheduled = 0;
    if (length > 0 && schedule() < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* -- what asyncio.Task wants of what it waits for */

static PyObject *floors_get_loop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing)) { return Py_NewRef(loop); }

/* add_done_callback(wakeup, *, context) */
static PyObject *floors_add_done_callback(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n,
                                          PyObject *names) {
    if (n != 1 || names == NULL || PyTuple_GET_SIZE(names) != 1 || length == PLACES) {
        PyErr_SetString(PyExc_RuntimeError, "only a few tasks of asyncio can switch here");
        return NULL;
    }
    Woken *last = &ring[(first + length) % PLACES];
    last->wakeup = Py_NewRef(args[0]);
    last->context = Py_NewRef(args[1]);
    length++;
    if (!scheduled && schedule() < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* -- a switch */

typedef struct {
    PyObject_HEAD char asleep;
} Switch;

static PySendResult switch_send(PyObject *self, PyObject *Py_UNUSED(sent), PyObject **result) {
    Switch *token = (Switch *)self;
    token->asleep = !token->asleep;
    *result = Py_NewRef(token->asleep ? self : Py_None);
    return token->asleep ? PYGEN_NEXT : PYGEN_RETURN;
}

static PyObject *switch_next(PyObject *self) {
    Switch *token = (Switch *)self;
    token->asleep = !token->asleep;
    return token->asleep ? Py_NewRef(self) : NULL;
}

static PyObject *switch_getattr(PyObject *self, PyObject *name) {
    if (name == name_blocking) {
        return Py_NewRef(Py_True);
    }
    if (name == name_get_loop) {
        return Py_NewRef(get_loop);
    }
    if (name == name_add_done_callback) {
        return Py_NewRef(add_done_callback);
    }
    return PyObject_GenericGetAttr(self, name);
}

static int switch_setattr(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(name), PyObject *Py_UNUSED(value)) {
    return 0; /* asyncio.Task notes that it has seen `_asyncio_future_blocking`; we know */
}

static PyAsyncMethods switch_async = {.am_await = PyObject_SelfIter, .am_send = switch_send};
static PyTypeObject Switch_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "floors.Switch",
    .tp_basicsize = sizeof(Switch),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = switch_next,
    .tp_as_async = &switch_async,
    .tp_getattro = switch_getattr,
    .tp_setattro = switch_setattr,
};

static PyObject *floors_switch_task(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing)) {
    Switch *token = PyObject_New(Switch, &Switch_Type);
    if (token != NULL) {
        token->asleep = 0;
    }
    return (PyObject *)token;
}

/* -- what has finished */

static PySendResult finished_send(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(sent), PyObject **result) {
    *result = Py_NewRef(Py_None);
    return PYGEN_RETURN;
}

static PyObject *finished_next(PyObject *Py_UNUSED(self)) {
    return NULL; /* the end; without an exception it means None */
}

static PyAsyncMethods finished_async = {.am_await = PyObject_SelfIter, .am_send = finished_send};
static PyTypeObject Finished_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "floors.Finished",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = finished_next,
    .tp_as_async = &finished_async,
};
static PyObject *the_finished;

static PyObject *floors_finished(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing)) {
    return Py_NewRef(the_finished);
}

/* -- the module */

static PyObject *floors_use(PyObject *Py_UNUSED(module), PyObject *future) {
    PyObject *its_loop = PyObject_CallMethodNoArgs(future, name_get_loop);
    if (its_loop == NULL) {
        return NULL;
    }
    Py_XSETREF(loop, its_loop);
    Py_XSETREF(done, Py_NewRef(future));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"finished", floors_finished, METH_NOARGS, NULL},
    {"switch_task", floors_switch_task, METH_NOARGS, NULL},
    {"use", floors_use, METH_O, NULL},
    {"drain", floors_drain, METH_NOARGS, NULL},
    {"get_loop", floors_get_loop, METH_NOARGS, NULL},
    {"add_done_callback", (PyCFunction)(void (*)(void))floors_add_done_callback, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "floors", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_floors(void) {
    if (PyType_Ready(&Switch_Type) < 0 || PyType_Ready(&Finished_Type) < 0) {
        return NULL;
    }
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    the_finished = (PyObject *)PyObject_New(PyObject, &Finished_Type);
    drain = PyObject_GetAttrString(module, "drain");
    get_loop = PyObject_GetAttrString(module, "get_loop");
    add_done_callback = PyObject_GetAttrString(module, "add_done_callback");
    name_blocking = PyUnicode_InternFromString("_asyncio_future_blocking");
    name_get_loop = PyUnicode_InternFromString("get_loop");
    name_add_done_callback = PyUnicode_InternFromString("add_done_callback");
    name_call_soon = PyUnicode_InternFromString("call_soon");
    if (!the_finished || !drain || !get_loop || !add_done_callback || !name_blocking || !name_get_loop ||
        !name_add_done_callback || !name_call_soon) {
        Py_CLEAR(module);
    }
    return module;
}
