/* Select as people call it: the cases, the functions, the dice. A case is the plain tuple that cases.py describes. */

/* -- cases */

static PyObject *case_new(State *st, Chan *c, int want, PyObject *value) {
    return PyTuple_Pack(3, (PyObject *)c, st->wants[want], value);
}

static PyObject *case_to_receive(State *st, PyObject *ch, int want) {
    if (Py_TYPE(ch) == st->Chan_type) return case_new(st, (Chan *)ch, want, Py_None);
    if (ch == Py_None) return Py_NewRef(st->never);
    if (PyObject_TypeCheck(ch, st->Signal_type) && want == RECV) want = DONE;
    if (PyObject_TypeCheck(ch, st->RecvChan_type)) {
        Chan *c = chan_behind(ch);
        int ours = Py_TYPE(ch) == st->RecvChan_type || Py_TYPE(ch) == st->Signal_type || (PyObject *)c == ch;
        return c ? case_new(st, c, want, ours ? Py_None : ch) : NULL;
    }
    return PyErr_Format(
        PyExc_TypeError, "%S() takes a channel or its receive end, a Signal or None, not %R", st->wants[want], ch);
}

static PyObject *case_recv(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    PyObject *ch = n == 1 && !kwnames ? args[0] : only_argument(args, n, kwnames, "recv", "ch");
    return ch ? case_to_receive(PyModule_GetState(module), ch, RECV) : NULL;
}

static PyObject *case_recv_ok(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    PyObject *ch = n == 1 && !kwnames ? args[0] : only_argument(args, n, kwnames, "recv_ok", "ch");
    return ch ? case_to_receive(PyModule_GetState(module), ch, RECV_OK) : NULL;
}

static PyObject *case_send(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    State *st = PyModule_GetState(module);
    static const char *const names[] = {"ch", "value"};
    PyObject *given[2] = {NULL, NULL};
    if (arguments("send", names, args, n, kwnames, given) < 0) return NULL;
    PyObject *ch = given[0];
    if (ch == Py_None) return Py_NewRef(st->never);
    if (PyObject_TypeCheck(ch, st->SendChan_type)) {
        Chan *c = chan_behind(ch);
        return c ? case_new(st, c, SEND, given[1]) : NULL;
    }
    return PyErr_Format(PyExc_TypeError, "send() takes a channel or its send end, not %R", ch);
}

/* What a case wants; -1 if it is no case. */
static int want_of(State *st, PyObject *thing) {
    if (!PyTuple_Check(thing) || PyTuple_GET_SIZE(thing) != 3) return -1;
    PyObject *ch = PyTuple_GET_ITEM(thing, 0), *kind = PyTuple_GET_ITEM(thing, 1);
    if (ch != Py_None && !PyObject_TypeCheck(ch, st->Chan_type)) return -1;
    for (int want = RECV; want <= SEND; want++)
        if (kind == st->wants[want]) return want;
    for (int want = RECV; want <= SEND; want++)
        if (PyUnicode_Check(kind) && PyUnicode_Compare(kind, st->wants[want]) == 0) return want;
    return -1;
}

static int refuse_case(Py_ssize_t index, PyObject *thing) {
    PyErr_Format(PyExc_TypeError,
                 "case %zd of the select must be recv(ch), recv_ok(ch) or send(ch, value), not %R",
                 index,
                 thing);
    return -1;
}

/* -- select */

static Op *op_of_cases(State *st, PyObject *const *cases, Py_ssize_t n, int biased) {
    Op *op = op_new(st, V_SELECT, n);
    if (op == NULL) return NULL;
    op->biased = (uint8_t)biased;
    for (Py_ssize_t i = 0; i < n; i++) {
        int want = want_of(st, cases[i]);
        if (want < 0) {
            refuse_case(i, cases[i]);
            finish_with(op, NULL);
            Py_DECREF(op);
            return NULL;
        }
        PyObject *ch = PyTuple_GET_ITEM(cases[i], 0), *item = PyTuple_GET_ITEM(cases[i], 2);
        node_init(op, i, want, ch == Py_None ? NULL : ch, want == SEND || item != Py_None ? item : NULL);
    }
    return op;
}

/* The one option, `biased`; -1 on error. */
static int biased_of(const char *function, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    if (kwnames == NULL) return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, i), "biased")) {
            PyErr_Format(
                PyExc_TypeError, "%s() got an unexpected keyword argument %R", function, PyTuple_GET_ITEM(kwnames, i));
            return -1;
        }
    return PyTuple_GET_SIZE(kwnames) ? PyObject_IsTrue(args[n]) : 0;
}

/* A wrong case is an error of whoever awaits the select: until then an operation does nothing. */
static PyObject *select_of(State *st, PyObject *const *cases, Py_ssize_t n, int biased) {
    Op *op = op_of_cases(st, cases, n, biased);
    if (op || !PyErr_ExceptionMatches(PyExc_TypeError)) return (PyObject *)op;
    Error error = error_keep();
    PyErr_NormalizeException(&error.type, &error.value, &error.traceback);
    op = op_new(st, V_SELECT, 0);
    if (op) op->extra = Py_NewRef(error.value);
    error_drop(error);
    return (PyObject *)op;
}

static PyObject *do_select(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    int biased = biased_of("select", args, n, kwnames);
    return biased < 0 ? NULL : select_of(PyModule_GetState(module), args, n, biased);
}

static PyObject *do_select_nowait(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    State *st = PyModule_GetState(module);
    int biased = biased_of("select_nowait", args, n, kwnames);
    Op *op = biased < 0 ? NULL : op_of_cases(st, args, n, biased);
    PyObject *answer = NULL;
    if (op == NULL) return NULL;
    if (try_select(st, op, &answer) == MUST_WAIT)
        PyErr_Format(st->WouldBlock, "none of the %zd cases of the select is ready", n);
    finish_with(op, answer); /* nobody is going to await it */
    Py_DECREF(op);
    return answer;
}

/* Select over a sequence of cases, for the loop over a select. */
static PyObject *do_choose(PyObject *module, PyObject *const *args, Py_ssize_t n) {
    if (n != 2) return PyErr_Format(PyExc_TypeError, "_choose() takes the cases, and whether it is biased");
    PyObject *cases = PySequence_Tuple(args[0]);
    int biased = cases ? PyObject_IsTrue(args[1]) : -1;
    PyObject *op = NULL;
    if (biased >= 0)
        op = select_of(PyModule_GetState(module), ((PyTupleObject *)cases)->ob_item, PyTuple_GET_SIZE(cases), biased);
    Py_XDECREF(cases);
    return op;
}

static PyObject *do_select_loop(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    State *st = PyModule_GetState(module);
    int biased = biased_of("select_loop", args, n, kwnames);
    if (biased < 0) return NULL;
    PyObject *cases = PyTuple_New(n), *loop = NULL, *choose = NULL;
    for (Py_ssize_t i = 0; cases && i < n; i++) {
        if (want_of(st, args[i]) < 0) {
            refuse_case(i, args[i]);
            Py_CLEAR(cases);
        } else PyTuple_SET_ITEM(cases, i, Py_NewRef(args[i]));
    }
    if (cases && (choose = PyObject_GetAttr(module, st->s_choose)))
        loop = PyObject_CallFunctionObjArgs(st->SelectLoop, choose, cases, biased ? Py_True : Py_False, NULL);
    Py_XDECREF(choose);
    Py_XDECREF(cases);
    return loop;
}

static PyObject *do_never(PyObject *module, PyObject *Py_UNUSED(ignored)) {
    State *st = PyModule_GetState(module);
    PyObject *name = PyUnicode_FromString("never");
    Chan *c = name ? chan_make(st, name) : NULL;
    PyObject *view = c ? view_of(c, st->RecvChan_type) : NULL;
    Py_XDECREF(name);
    Py_XDECREF(c);
    return view;
}

/* -- the dice */

static PyObject *set_dice(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    State *st = PyModule_GetState(module);
    PyObject *dice = only_argument(args, n, kwnames, "set_dice", "dice");
    if (dice == NULL) return NULL;
    PyObject *old = st->dice;
    st->dice = dice == Py_None ? NULL : Py_NewRef(dice);
    return old ? old : Py_NewRef(Py_None);
}

/* Eight bytes of the system's, or of Python's own generator with that seed. */
static PyObject *bits_from(PyObject *seed) {
    if (seed != Py_None) {
        PyObject *random = PyImport_ImportModule("random");
        PyObject *generator = random ? PyObject_CallMethod(random, "Random", "O", seed) : NULL;
        PyObject *bits = generator ? PyObject_CallMethod(generator, "getrandbits", "i", 64) : NULL;
        Py_XDECREF(random);
        Py_XDECREF(generator);
        return bits;
    }
    PyObject *os = PyImport_ImportModule("os");
    PyObject *bytes = os ? PyObject_CallMethod(os, "urandom", "i", 8) : NULL;
    PyObject *bits = bytes ? PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "Os", bytes, "little") : NULL;
    Py_XDECREF(os);
    Py_XDECREF(bytes);
    return bits;
}

static int seed_dice(State *st, PyObject *seed) {
    PyObject *bits = bits_from(seed);
    if (bits == NULL) return -1;
    st->random = PyLong_AsUnsignedLongLongMask(bits);
    Py_DECREF(bits);
    return 0;
}

static PyObject *seed(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    PyObject *value = n || kwnames ? only_argument(args, n, kwnames, "seed", "value") : Py_None;
    if (value == NULL || seed_dice(PyModule_GetState(module), value) < 0) return NULL;
    Py_RETURN_NONE;
}

/* -- the observer; hooks.install tells us */

static PyObject *set_observer(PyObject *module, PyObject *observer) {
    State *st = PyModule_GetState(module);
    Py_XSETREF(st->observer, observer == Py_None ? NULL : Py_NewRef(observer));
    Py_RETURN_NONE;
}
