/*
 * A PAM module for the tests: it does at once what modules do at times.
 * cc -shared -fPIC -o module.so pammodule.c -l:libpam.so.0
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct message { int style; const char *text; };
struct response { char *text; int retcode; };
struct conversation {
    int (*converse)(int, const struct message **, struct response **, void *);
    void *data;
};

int pam_get_item(const void *handle, int item, const void **value);
int pam_set_item(void *handle, int item, const void *value);
int pam_set_data(void *handle, const char *name, void *data,
                 void (*cleanup)(void *, void *, int));

enum { SUCCESS = 0, CONV_ERR = 19, USER = 2, CONV = 5 };

/* Append a number to a file. */
static void note(const char *path, int number)
{
    FILE *file = fopen(path, "a");

    fprintf(file, "%d\n", number);
    fclose(file);
}

/* Note how PAM has ended. */
static void ended(void *handle, void *path, int code)
{
    note(path, code);
    free(path);
}

/* Ask for all at once, and append each answer to a file. */
static int ask(void *handle, const char *styles, const char *path)
{
    const struct conversation *conversation;
    struct message messages[64];
    const struct message *pointers[64];
    struct response *responses = NULL;
    int number = strlen(styles), code, place;
    FILE *file;

    pam_get_item(handle, CONV, (const void **) &conversation);
    for (place = 0; place < number; place++) {
        messages[place].style = styles[place] - '0';
        messages[place].text = "Say:";
        pointers[place] = &messages[place];
    }
    code = conversation->converse(number, pointers, &responses, conversation->data);
    if (code != SUCCESS)
        return code;
    file = fopen(path, "a");
    for (place = 0; place < number; place++) {
        fprintf(file, "%s\n", responses[place].text ? responses[place].text : "-");
        free(responses[place].text);
    }
    fclose(file);
    free(responses);
    return SUCCESS;
}

static int perform(void *handle, int flags, int argc, const char **argv)
{
    for (; argc > 0; argc--, argv++) {
        if (!strncmp(*argv, "user=", 5))
            pam_set_item(handle, USER, *argv + 5);
        else if (!strncmp(*argv, "ask=", 4) && argc > 1) {
            int code = ask(handle, *argv + 4, argv[1]);
            if (code != SUCCESS)
                return code;
        } else if (!strcmp(*argv, "crash"))
            raise(SIGSEGV);
        else if (!strcmp(*argv, "exit"))
            exit(0);
        else if (!strncmp(*argv, "flags=", 6))
            note(*argv + 6, flags);
        else if (!strncmp(*argv, "end=", 4))
            pam_set_data(handle, "end", strdup(*argv + 4), ended);
        else if (!strncmp(*argv, "chdir=", 6) && chdir(*argv + 6))
            return CONV_ERR;
        else if (!strncmp(*argv, "pid=", 4))
            note(*argv + 4, getpid());
        else if (!strcmp(*argv, "become") && (seteuid(65534) || seteuid(0)))
            return CONV_ERR;
        else if (!strcmp(*argv, "wait"))
            pause();
    }
    return SUCCESS;
}

int pam_sm_authenticate(void *handle, int flags, int argc, const char **argv)
{
    return perform(handle, flags, argc, argv);
}

int pam_sm_setcred(void *handle, int flags, int argc, const char **argv)
{
    return SUCCESS;
}

int pam_sm_acct_mgmt(void *handle, int flags, int argc, const char **argv)
{
    return perform(handle, flags, argc, argv);
}
