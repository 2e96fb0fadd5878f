#!/bin/sh
# An authority for certificates of users, by openssl, in the current directory:
#
#     sh user-ca.sh authority                        makes it: ca.pem, ca.key, ca.crl
#     sh user-ca.sh user alice alice@example.org     certifies one: alice.pem, alice.key
#     sh user-ca.sh revoke alice                     revokes that, and makes ca.crl anew
#     sh user-ca.sh list                             makes ca.crl anew
set -eu
umask 077

list() {
    # In one step: the server reads the list at any time.
    openssl ca -config ca.cnf -gencrl -out ca.crl.new
    chmod 644 ca.crl.new
    mv ca.crl.new ca.crl
}

case "$1" in
authority)
    cat > ca.cnf <<'END'
[ca]
default_ca = users

[users]
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 365
default_crl_days = 7
rand_serial = yes
unique_subject = no
policy = policy

[policy]
commonName = supplied
END
    : > index.txt
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -days 3650 -subj "/CN=Users of example.org" \
        -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
        -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
    chmod 644 ca.pem
    list
    ;;
user)
    name=$2 email=$3
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
    {
        echo "basicConstraints = critical,CA:FALSE"
        echo "keyUsage = critical,digitalSignature"
        echo "extendedKeyUsage = clientAuth"
        echo "subjectAltName = email:$email"
    } > "$name.ext"
    openssl ca -config ca.cnf -batch -notext -extfile "$name.ext" \
        -in "$name.csr" -out "$name.pem"
    rm "$name.csr" "$name.ext"
    ;;
revoke)
    openssl ca -config ca.cnf -revoke "$2.pem"
    list
    ;;
list)
    list
    ;;
*)
    echo "usage: sh user-ca.sh authority|user NAME EMAIL|revoke NAME|list" >&2
    exit 2
    ;;
esac
