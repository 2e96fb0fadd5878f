/*
 * A name service for the tests: it knows /etc/passwd, and ignores the case of names.
 * cc -shared -fPIC -o libnss_mycredtests.so.2 nssmodule.c
 */

#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <strings.h>

enum nss_status _nss_mycredtests_getpwnam_r(const char *name, struct passwd *record,
                                            char *buffer, size_t size, int *error)
{
    struct passwd *found;
    FILE *file = fopen("/etc/passwd", "re");
    int code;

    if (file == NULL) {
        *error = errno;
        return NSS_STATUS_UNAVAIL;
    }
    do
        code = fgetpwent_r(file, record, buffer, size, &found);
    while (code == 0 && strcasecmp(record->pw_name, name) != 0);
    fclose(file);
    *error = code;
    if (code == 0)
        return NSS_STATUS_SUCCESS;
    return code == ERANGE ? NSS_STATUS_TRYAGAIN : NSS_STATUS_NOTFOUND;
}
