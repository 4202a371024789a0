/* An operation as a coroutine: how it is stepped, thrown into and closed, and how it ends. */

static PySendResult op_step(Op *op, PyObject *arg, PyObject **out) {
    State *st = op->queue ? op->queue->st : state_of_op(op);
    PySendResult result;
    *out = NULL;
    if (op->running) {
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return PYGEN_ERROR;
    }
    if (op->over) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        return PYGEN_ERROR;
    }
    op->running = 1;
    switch (op->state) {
    case FRESH:
        if (arg && arg != Py_None) {
            PyErr_SetString(PyExc_TypeError, "can't send non-None value to a just-started coroutine");
            result = PYGEN_ERROR;
        } else result = op_begin(st, op, out);
        break;
    case BREATHING:
        op->state = FRESH;
        st->budget = allowance(st->patience);
        draw(st); /* for this one, which has waited for it */
        result = op->verb <= V_NEXT ? op_try_plain(st, op, out) : op_try(st, op, out);
        break;
    case PARKED:
        if (give_back(st, op) == 0)
            PyErr_SetString(PyExc_RuntimeError, "a sleeping operation was resumed although nobody woke it");
        result = PYGEN_ERROR;
        break;
    case CANCELLED:
        if (op->extra) PyErr_SetObject(st->CancelledError, op->extra);
        else PyErr_SetNone(st->CancelledError);
        result = finish_with(op, NULL);
        break;
    default: result = op_resume(st, op, out);
    }
    op->running = 0;
    return result;
}

/* Most operations are plain and need not wait: they are over at their first step, here. */
static PySendResult op_send(PyObject *self, PyObject *arg, PyObject **out) {
    Op *op = (Op *)self;
    if (op->verb <= V_NEXT && op->state == FRESH && !op->over && !op->running && (arg == NULL || arg == Py_None)) {
        Chan *c = chan_of(&op->nodes[0]);
        State *st = c->st;
        PyObject *value = NULL;
        if (st->budget > 0 && shortcut(c, &op->nodes[0], &value)) {
            st->budget--;
            op->over = op->quick = 1;
            op->shelf = st;
            op->nodes[0].home = NULL;
            *out = value ? value : Py_NewRef(Py_None);
            Py_DECREF(c);
            return PYGEN_RETURN;
        }
    }
    return op_step(op, arg, out);
}

/* A StopIteration that is used again and again. When the one who caught it lets it go, it goes back to its shelf
 * instead of being freed; a value in it dies with it as it should. */
typedef PyStopIterationObject Answer;

static void answer_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    State *st = state_of_type(type);
    Answer *answer = (Answer *)self;
    PyObject *value = answer->value;
    if (st == NULL || st->free_max == 0 || st->answer || answer->dict || answer->context || answer->cause ||
        answer->traceback || answer->notes) {
        ((PyTypeObject *)PyExc_StopIteration)->tp_dealloc(self);
        Py_DECREF(type);
        return;
    }
    PyObject_GC_UnTrack(self);
    new_reference(self);
    answer->value = NULL;
    if (PyTuple_GET_SIZE(answer->args))
        Py_SETREF(answer->args, PyTuple_New(0)); /* there is only one, and it is there */
    st->answer = self;
    Py_XDECREF(value);
}

static int answer_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    return ((PyTypeObject *)PyExc_StopIteration)->tp_traverse(self, visit, arg);
}

static int answer_clear(PyObject *self) { return ((PyTypeObject *)PyExc_StopIteration)->tp_clear(self); }

static PyType_Slot answer_slots[] = {
    {Py_tp_doc, "How an operation returns its value."},
    {Py_tp_dealloc, answer_dealloc},
    {Py_tp_traverse, answer_traverse},
    {Py_tp_clear, answer_clear},
    {0, NULL},
};

static PyType_Spec answer_spec = {
    "aiochan.core._speedups.Answer",
    sizeof(Answer),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    answer_slots,
};

static void raise_answer(State *st, PyObject *value /* stolen */) {
    PyObject *self = st->answer;
    st->answer = NULL;
    if (self) {
        ((Answer *)self)->value = value;
        PyObject_GC_Track(self);
    } else {
        self = PyObject_CallOneArg((PyObject *)st->Answer_type, value);
        Py_DECREF(value);
        if (self == NULL) return;
    }
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(self);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(self)), self, NULL);
#endif
}

static PyObject *op_iternext(PyObject *self) {
    PyObject *value;
    switch (op_send(self, NULL, &value)) {
    case PYGEN_NEXT: return value;
    case PYGEN_RETURN:
        if (value == Py_None) Py_DECREF(value); /* NULL without an error says the same, at no cost */
        else raise_answer(((Op *)self)->quick ? ((Op *)self)->shelf : state_of_op((Op *)self), value);
        return NULL;
    default: return NULL;
    }
}

static PyObject *waiter_send(PyObject *self, PyObject *arg) {
    PyObject *value;
    switch (op_send(self, arg, &value)) {
    case PYGEN_NEXT: return value;
    case PYGEN_RETURN:
        if (value == Py_None) PyErr_SetNone(PyExc_StopIteration);
        if (value == Py_None) Py_DECREF(value);
        else raise_answer(state_of_op((Op *)self), value);
        return NULL;
    default: return NULL;
    }
}

/* Bring what was given to `throw` into the form of an error that is on its way; -1 if it is none. */
static int error_from(PyObject *const *args, Py_ssize_t n, Error *error) {
    PyObject *value = n > 1 && args[1] != Py_None ? args[1] : NULL,
             *traceback = n > 2 && args[2] != Py_None ? args[2] : NULL;
    if (n < 1 || n > 3 || (traceback && !PyTraceBack_Check(traceback))) {
        PyErr_SetString(PyExc_TypeError, "throw() takes an exception, or its type, value and traceback");
        return -1;
    }
    if (PyExceptionInstance_Check(args[0])) {
        if (value) {
            PyErr_SetString(PyExc_TypeError, "instance exception may not have a separate value");
            return -1;
        }
        *error = (Error){Py_NewRef((PyObject *)Py_TYPE(args[0])), Py_NewRef(args[0]), Py_XNewRef(traceback)};
        if (traceback == NULL) error->traceback = PyException_GetTraceback(args[0]);
    } else if (PyExceptionClass_Check(args[0])) {
        *error = (Error){Py_NewRef(args[0]), Py_XNewRef(value), Py_XNewRef(traceback)};
        PyErr_NormalizeException(&error->type, &error->value, &error->traceback);
    } else {
        PyErr_Format(PyExc_TypeError,
                     "exceptions must be classes or instances deriving from BaseException, not %s",
                     Py_TYPE(args[0])->tp_name);
        return -1;
    }
    return 0;
}

static int refuse_if_running(Op *op) {
    if (op->running) PyErr_SetString(PyExc_ValueError, "coroutine already executing");
    return op->running ? -1 : 0;
}

/* The error that is on its way came up while this one was handled, or because of it. */
static void chain(PyObject *before, int is_cause) {
    Error error = error_keep();
    PyErr_NormalizeException(&error.type, &error.value, &error.traceback);
    if (error.value != before) PyException_SetContext(error.value, Py_NewRef(before));
    if (is_cause) PyException_SetCause(error.value, Py_NewRef(before));
    error_restore(error);
}

/* It was cancelled twice in one turn; as with a future, what the first cancellation said counts. */
static void say_what_the_first_said(Op *op, PyObject *error) {
    State *st = state_of_op(op);
    if (!PyErr_GivenExceptionMatches(error, st->CancelledError)) return;
    PyObject *args = op->extra ? PyTuple_Pack(1, op->extra) : PyTuple_New(0);
    if (args == NULL || PyObject_SetAttr(error, st->s_args, args) < 0) PyErr_Clear(); /* no memory: then the second */
    Py_XDECREF(args);
}

static PyObject *waiter_throw(PyObject *self, PyObject *const *args, Py_ssize_t n) {
    Op *op = (Op *)self;
    Error error;
    if (refuse_if_running(op) < 0 || error_from(args, n, &error) < 0) return NULL;
    if (op->state == CANCELLED && !op->over) say_what_the_first_said(op, error.value);
    if (op->over) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    } else {
        if (PyErr_GivenExceptionMatches(error.value,
                                        PyExc_StopIteration)) { /* it would be taken for an answer: PEP 479 */
            PyErr_Format(PyExc_RuntimeError, "%s raised StopIteration", op->state == FRESH ? "coroutine" : "generator");
            chain(error.value, 1);
            error_drop(error);
            error = error_keep();
            PyErr_NormalizeException(&error.type, &error.value, &error.traceback);
        }
        if (give_back(state_of_op(op), op) == 0) {
            error_restore(error);
            return NULL;
        }
        chain(error.value, 0);
    }
    error_drop(error);
    return NULL;
}

static PyObject *waiter_close(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Op *op = (Op *)self;
    if (refuse_if_running(op) < 0) return NULL;
    if (op->over || give_back(state_of_op(op), op) == 0) Py_RETURN_NONE;
    Error error = error_keep();
    PyObject *exit = PyObject_CallNoArgs(PyExc_GeneratorExit);
    error_restore(error);
    if (exit) chain(exit, 0);
    Py_XDECREF(exit);
    return NULL;
}

static PyObject *waiter_await(PyObject *self) {
    Op *op = (Op *)self;
    if (op->over || op->state == FRESH) return Py_NewRef(self);
    PyErr_SetString(PyExc_RuntimeError, "coroutine is being awaited already");
    return NULL;
}

/* -- its end */

/* As `_PyErr_WarnUnawaitedCoroutine` does for coroutines. */
static void warn_never_awaited(PyObject *self) {
    State *st = state_of_op((Op *)self);
    PyObject *told = NULL, *warnings = st ? PyImport_GetModule(st->s_warnings)
                                          : NULL; /* at the end of an interpreter it may be gone */
    if (warnings) told = PyObject_CallMethodOneArg(warnings, st->s_warn, self);
    if (told == NULL && PyErr_Occurred()) PyErr_WriteUnraisable(self);
    Py_XDECREF(told);
    Py_XDECREF(warnings);
}

static void waiter_finalize(PyObject *self) {
    Op *op = (Op *)self;
    op->finalized = 1;
    if (op->over) return;
    Error error = error_keep();
    if (op->state == FRESH) warn_never_awaited(self);
    else if (give_back(state_of_op(op), op) < 0) PyErr_WriteUnraisable(self);
    error_restore(error);
}

static int waiter_traverse(Op *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++) {
        Py_VISIT(op->nodes[i].home);
        Py_VISIT(op->nodes[i].item);
    }
    Py_VISIT(op->wakeup);
    Py_VISIT(op->context);
    Py_VISIT(op->extra);
    Py_VISIT(op->origin);
    Py_VISIT(op->queue);
    return 0;
}

/* One that came back to life after it was finalized is not finalized again, but gives back all the same. */
static void end_of_garbage(Op *op) {
    Error error = error_keep();
    if (!op->over && give_back(state_of_op(op), op) < 0) PyErr_WriteUnraisable((PyObject *)op);
    error_restore(error);
}

static int waiter_clear(Op *op) {
    end_of_garbage(op);
    forget_task(op);
    finish(op);
    return 0;
}

static void waiter_free(Op *op) {
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

/* For the next operation, if it is a plain one. What was finalized once would not be finalized again. */
static inline void waiter_shelve(State *st, Op *op) {
    if (Py_SIZE(op) == 1 && st && st->n_free < st->free_max && !op->finalized) st->free[st->n_free++] = op;
    else waiter_free(op);
}

static void waiter_dealloc_slowly(Op *op) {
    if (!op->over) {
        if (PyObject_CallFinalizerFromDealloc((PyObject *)op) < 0) return; /* it is alive again */
        Py_SET_REFCNT(op, 1);
        end_of_garbage(op);
        Py_SET_REFCNT(op, Py_REFCNT(op) - 1);
        if (Py_REFCNT(op) > 0) return;
    }
    PyObject_GC_UnTrack(op);
    if (op->wakeup) forget_task(op);
    finish(op);
    Py_CLEAR(op->queue);
    Py_CLEAR(op->origin);
    waiter_shelve(state_of_op(op), op);
}

static void waiter_dealloc(Op *op) {
    if (!op->quick || op->origin || op->wakeup || ((PyHeapTypeObject *)Py_TYPE(op))->ht_module == NULL /* all ends */) {
        waiter_dealloc_slowly(op);
        return;
    }
    State *st = op->shelf;
    op->shelf = NULL;
    PyObject_GC_UnTrack(op); /* first: what dies below may run the collector */
    if (op->queue) Py_CLEAR(op->queue);
    waiter_shelve(st, op);
}
