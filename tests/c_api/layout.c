/* What a compiler makes of interlane.h, to be compared with what interlane was compiled with. C and C++. */
#define PY_SSIZE_T_CLEAN
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* CPython's own headers are not that strict */
#include <Python.h>
#pragma GCC diagnostic pop
#include <interlane.h>
#include <stddef.h>

static int
put(PyObject *dict, const char *name, size_t value)
{
    PyObject *number = PyLong_FromSize_t(value);
    int answer = number == NULL ? -1 : PyDict_SetItemString(dict, name, number);
    Py_XDECREF(number);
    return answer;
}

static int
put_text(PyObject *dict, const char *name, const char *value)
{
    PyObject *text = PyUnicode_FromString(value);
    int answer = text == NULL ? -1 : PyDict_SetItemString(dict, name, text);
    Py_XDECREF(text);
    return answer;
}

#define SIZE(type) put(dict, #type, sizeof(type)) < 0
#define FIELD(type, field) \
    put(dict, #type "." #field, offsetof(type, field)) < 0 || \
        put(dict, "sizeof " #type "." #field, sizeof(((type *)NULL)->field)) < 0

static PyObject *
layout(PyObject *self, PyObject *args)
{
    PyObject *dict = PyDict_New();
    (void)self, (void)args;
    if (dict == NULL || put(dict, "INTERLANE_API_VERSION", INTERLANE_API_VERSION) < 0 ||
        put_text(dict, "INTERLANE_TYPE_ATTRIBUTE", INTERLANE_TYPE_ATTRIBUTE) < 0 ||
        put_text(dict, "INTERLANE_TYPE_CAPSULE", INTERLANE_TYPE_CAPSULE) < 0 ||
        put_text(dict, "INTERLANE_API_CAPSULE", INTERLANE_API_CAPSULE) < 0 ||
        SIZE(interlane_area) || FIELD(interlane_area, data) || FIELD(interlane_area, nbytes) ||
        FIELD(interlane_area, itemsize) || FIELD(interlane_area, format) || FIELD(interlane_area, ndim) ||
        FIELD(interlane_area, shape) || FIELD(interlane_area, strides) || FIELD(interlane_area, readonly) ||
        SIZE(interlane_type) || FIELD(interlane_type, version) || FIELD(interlane_type, size) ||
        FIELD(interlane_type, name) || FIELD(interlane_type, flags) || FIELD(interlane_type, max_areas) ||
        FIELD(interlane_type, acquire) || FIELD(interlane_type, rebuild) || FIELD(interlane_type, release) ||
        SIZE(interlane_api) || FIELD(interlane_api, version) || FIELD(interlane_api, size) ||
        FIELD(interlane_api, register_type)) {
        Py_XDECREF(dict);
        return NULL;
    }
    return dict;
}

static PyMethodDef methods[] = {{"layout", layout, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "layout", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit_layout(void)
{
    return PyModuleDef_Init(&definition);
}
