/* record.h - an item as the text of a file: what is known of it, a line each, then its bytes
 * as PEM, so that `openssl x509 -in FILE` reads a certificate as well.
 *
 *     Label: Example root
 *     Rule: 1 1 0                     purpose, decision, issued_before
 *     Scope: *
 *     Constraints: 3000               DER in hexadecimal
 *     Created: 1767225600
 *     Modified: 1767225600
 *     -----BEGIN CERTIFICATE-----
 *
 * A line that says nothing is left out. Control characters, and `%`, are written as `%0A`. A line
 * of another kind makes the file malformed: it may say something that must not be overlooked.
 */
#ifndef RECORD_H
#define RECORD_H

#include "anchorhold.h"
#include "sha256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LENGTH = SHA256_SIZE };

struct record {
    uint8_t  id[ID_LENGTH];
    uint8_t  digest[SHA256_SIZE]; /* of the text */
    uint32_t kind;
    int64_t  created, modified;
    ah_rule *rules;
    size_t   rule_count;
    ah_str   label, scope;
    ah_bytes der, constraints;
    uint8_t *parts; /* what the texts and bytes above lie in */
};

static void record_free(struct record *record)
{
    if (record == NULL) return;
    free(record->rules);
    free(record->parts);
    free(record);
}

/* How the bytes of a kind are called in PEM; NULL where no file holds that kind. */
static const char *record_name(uint32_t kind)
{
    switch (kind) {
    case AH_KIND_CERTIFICATE:   return "CERTIFICATE";
    case AH_KIND_ISSUER_SERIAL: return "ISSUER AND SERIAL NUMBER";
    case AH_KIND_SPKI_SHA256:   return "PUBLIC KEY SHA256";
    case AH_KIND_CRL:           return "X509 CRL";
    default:                    return NULL;
    }
}

/* The id is taken from kind and bytes, so it is the same in every process, and never another's. */
static void record_id(uint32_t kind, ah_bytes der, uint8_t id[ID_LENGTH])
{
    struct sha256 sha;
    uint8_t first = (uint8_t)kind;
    sha256_begin(&sha);
    sha256_add(&sha, &first, 1);
    sha256_add(&sha, der.ptr, der.len);
    sha256_end(&sha, id);
}

/* ---- writing ------------------------------------------------------------- */

struct text { char *ptr; size_t len, room; int failed; /* no memory was left */ };

static void text_add(struct text *text, const void *bytes, size_t count)
{
    if (text->room - text->len < count + 1) {
        size_t room = 2 * (text->len + count + 1);
        char *ptr = (char *)realloc(text->ptr, room);
        if (ptr == NULL) { text->failed = 1; return; }
        text->ptr = ptr;
        text->room = room;
    }
    if (count > 0) memcpy(text->ptr + text->len, bytes, count);
    text->len += count;
    text->ptr[text->len] = '\0';
}

static void text_say(struct text *text, const char *words) { text_add(text, words, strlen(words)); }

static void text_add_line(struct text *text, const char *key, ah_str value)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t i;
    if (value.len == 0) return;
    text_say(text, key);
    for (i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.ptr[i];
        char escaped[3];
        escaped[0] = '%'; escaped[1] = hex[byte >> 4]; escaped[2] = hex[byte & 15];
        if (byte < 0x20 || byte == 0x7f || byte == '%') text_add(text, escaped, 3);
        else text_add(text, &byte, 1);
    }
    text_say(text, "\n");
}

static void text_add_number(struct text *text, const char *key, int64_t number)
{
    char line[48];
    snprintf(line, sizeof line, "%s%lld\n", key, (long long)number);
    if (number != 0) text_say(text, line);
}

static void text_add_rule(struct text *text, const ah_rule *rule)
{
    char line[64];
    uint32_t purpose = rule->purpose, decision = rule->decision;
    if (decision > AH_DISTRUST) decision = AH_DISTRUST; /* R2: what is not known distrusts, */
    if (purpose > AH_FOR_TIMESTAMP) {
        if (decision != AH_DISTRUST) return;            /* and vouches for nothing. */
        purpose = AH_FOR_ANY;
    }
    snprintf(line, sizeof line, "Rule: %u %u %lld\n", (unsigned)purpose, (unsigned)decision,
             (long long)rule->issued_before);
    text_say(text, line);
}

static void text_add_hex(struct text *text, const char *key, ah_bytes bytes)
{
    size_t i;
    if (bytes.len == 0) return;
    text_say(text, key);
    for (i = 0; i < bytes.len; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", bytes.ptr[i]);
        text_add(text, digits, 2);
    }
    text_say(text, "\n");
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void text_add_base64(struct text *text, ah_bytes bytes)
{
    size_t i;
    for (i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)bytes.ptr[i] << 16;
        char four[4];
        if (left > 1) group |= (uint32_t)bytes.ptr[i + 1] << 8;
        if (left > 2) group |= bytes.ptr[i + 2];
        four[0] = base64[group >> 18];
        four[1] = base64[group >> 12 & 63];
        four[2] = left > 1 ? base64[group >> 6 & 63] : '=';
        four[3] = left > 2 ? base64[group & 63] : '=';
        text_add(text, four, 4);
        if (i % 48 == 45 || left <= 3) text_say(text, "\n");
    }
}

/* The text of an item that the host asks to keep. What is left out is what a file cannot know:
 * the id, which follows from the rest, and flags, which are about the store. */
static void record_write(const ah_item *item, struct text *text)
{
    const char *name = record_name(item->kind);
    ah_str label = item->label;
    size_t i;
    if (label.len > AH_LABEL_MAX) { /* cut, between two characters */
        label.len = AH_LABEL_MAX;
        while (label.len > 0 && ((unsigned char)label.ptr[label.len] & 0xc0) == 0x80) label.len--;
    }
    text_add_line(text, "Label: ", label);
    for (i = 0; i < item->rule_count; i++) text_add_rule(text, AH_RULE(item, i));
    text_add_line(text, "Scope: ", item->scope);
    text_add_hex(text, "Constraints: ", item->name_constraints);
    text_add_number(text, "Created: ", item->created);
    text_add_number(text, "Modified: ", item->modified);
    text_say(text, "-----BEGIN "); text_say(text, name); text_say(text, "-----\n");
    text_add_base64(text, item->der);
    text_say(text, "-----END "); text_say(text, name); text_say(text, "-----\n");
}

/* ---- reading ------------------------------------------------------------- */

/* A line, and what is left of it to be read. */
struct line { const char *at, *end; };

static int line_begins(struct line *line, const char *words)
{
    size_t count = strlen(words);
    if ((size_t)(line->end - line->at) < count || memcmp(line->at, words, count) != 0) return 0;
    line->at += count;
    return 1;
}

/* A decimal number and the blank after it, if there is one. The text ends in a NUL, and every line
 * in what is no digit, so that reading stops. */
static int line_number(struct line *line, int64_t least, int64_t most, int64_t *number)
{
    char *end;
    long long value;
    if (*line->at != '-' && (*line->at < '0' || *line->at > '9')) return 0;
    errno = 0;
    value = strtoll(line->at, &end, 10);
    if (errno != 0 || end == line->at || end > line->end || value < least || value > most) return 0;
    line->at = end;
    if (line->at < line->end && *line->at++ != ' ') return 0;
    *number = value;
    return 1;
}

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit == '\0' ? NULL : strchr(digits, digit);
    return at == NULL ? -1 : (int)(at - digits) % 16;
}

/* What was escaped, written to `out`, which has room for the whole line. */
static int line_unescape(struct line *line, uint8_t **out, ah_str *text)
{
    uint8_t *to = *out;
    while (line->at < line->end) {
        char byte = *line->at++;
        if (byte == '%') {
            int high, low;
            if (line->end - line->at < 2) return 0;
            high = hex_digit(line->at[0]);
            low = hex_digit(line->at[1]);
            if (high < 0 || low < 0) return 0;
            *to++ = (uint8_t)(high << 4 | low);
            line->at += 2;
        } else {
            *to++ = (uint8_t)byte;
        }
    }
    text->ptr = (const char *)*out;
    text->len = (size_t)(to - *out);
    *out = to;
    return 1;
}

static int line_unhex(struct line *line, uint8_t **out, ah_bytes *bytes)
{
    uint8_t *to = *out;
    for (; line->end - line->at >= 2; line->at += 2) {
        int high = hex_digit(line->at[0]), low = hex_digit(line->at[1]);
        if (high < 0 || low < 0) return 0;
        *to++ = (uint8_t)(high << 4 | low);
    }
    bytes->ptr = *out;
    bytes->len = (size_t)(to - *out);
    *out = to;
    return line->at == line->end;
}

/* One line of base64; `bits` counts those of a group that are still to come, -1 after padding. */
static int line_unbase64(struct line *line, uint8_t **out, int *bits, uint32_t *group)
{
    for (; line->at < line->end; line->at++) {
        const char *at = *line->at == '\0' ? NULL : strchr(base64, *line->at);
        if (*bits < 0) return 0;
        if (*line->at == '=') {
            size_t padding = (size_t)(line->end - line->at);
            if (*bits == 12 && padding == 2 && line->at[1] == '=') {
                *(*out)++ = (uint8_t)(*group >> 4);
            } else if (*bits == 6 && padding == 1) {
                *(*out)++ = (uint8_t)(*group >> 10);
                *(*out)++ = (uint8_t)(*group >> 2);
            } else {
                return 0;
            }
            *bits = -1;
            line->at = line->end;
            return 1;
        }
        if (at == NULL) return 0;
        *group = *group << 6 | (uint32_t)(at - base64);
        *bits = *bits == 0 ? 18 : *bits - 6;
        if (*bits == 0) {
            *(*out)++ = (uint8_t)(*group >> 16);
            *(*out)++ = (uint8_t)(*group >> 8);
            *(*out)++ = (uint8_t)*group;
        }
    }
    return 1;
}

/* The next line; 0 at the end of the text, and where the last line does not end. */
static int next_line(const char **at, const char *end, struct line *line)
{
    const char *stop = (const char *)memchr(*at, '\n', (size_t)(end - *at));
    if (stop == NULL) return 0;
    line->at = *at;
    line->end = stop;
    *at = stop + 1;
    return 1;
}

static int read_rule(struct record *record, struct line *line)
{
    ah_rule *rules;
    int64_t purpose, decision, issued_before;
    if (!line_number(line, AH_FOR_ANY, AH_FOR_TIMESTAMP, &purpose)
        || !line_number(line, AH_NEUTRAL, AH_DISTRUST, &decision)
        || !line_number(line, INT64_MIN, INT64_MAX, &issued_before)
        || line->at != line->end || record->rule_count == AH_RULES_MAX) return 0;
    rules = (ah_rule *)realloc(record->rules, (record->rule_count + 1) * sizeof *rules);
    if (rules == NULL) return 0;
    record->rules = rules;
    rules += record->rule_count++;
    memset(rules, 0, sizeof *rules); /* a later version of the contract may have more in it */
    rules->purpose = (uint32_t)purpose;
    rules->decision = (uint32_t)decision;
    rules->issued_before = issued_before;
    return 1;
}

/* A line that says something of the item. */
static int read_line(struct record *record, struct line *line, uint8_t **out)
{
    if (line_begins(line, "Label: ")) return line_unescape(line, out, &record->label);
    if (line_begins(line, "Rule: ")) return read_rule(record, line);
    if (line_begins(line, "Scope: ")) return line_unescape(line, out, &record->scope);
    if (line_begins(line, "Constraints: ")) return line_unhex(line, out, &record->constraints);
    if (line_begins(line, "Created: "))
        return line_number(line, INT64_MIN, INT64_MAX, &record->created) && line->at == line->end;
    if (line_begins(line, "Modified: "))
        return line_number(line, INT64_MIN, INT64_MAX, &record->modified) && line->at == line->end;
    return 0;
}

/* The lines from BEGIN to END, which are the last. */
static int read_pem(struct record *record, struct line line, const char *at, const char *end,
                    uint8_t **out)
{
    static const uint32_t kinds[] = { AH_KIND_CERTIFICATE, AH_KIND_ISSUER_SERIAL,
                                      AH_KIND_SPKI_SHA256, AH_KIND_CRL };
    char last[64];
    uint32_t group = 0;
    int bits = 0;
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *name = record_name(kinds[i]);
        int length = snprintf(last, sizeof last, "%s-----", name);
        if (line.end - line.at == length && memcmp(line.at, last, (size_t)length) == 0) {
            record->kind = kinds[i];
            snprintf(last, sizeof last, "-----END %s-----", name);
            break;
        }
    }
    if (record->kind == 0) return 0;
    record->der.ptr = *out;
    while (next_line(&at, end, &line)) {
        if (line_begins(&line, last)) {
            record->der.len = (size_t)(*out - record->der.ptr);
            return line.at == line.end && at == end && bits <= 0 && record->der.len > 0;
        }
        if (!line_unbase64(&line, out, &bits, &group)) return 0;
    }
    return 0;
}

/* Reads a text that ends in a NUL, which `length` does not count: AH_OK, AH_MALFORMED or
 * AH_NO_MEMORY. */
static ah_status record_read(const char *text, size_t length, struct record **out)
{
    const char *at = text, *end = text + length;
    struct record *record = (struct record *)calloc(1, sizeof *record);
    struct sha256 sha;
    struct line line;
    uint8_t *to;
    int read = 0;
    if (record == NULL || (record->parts = (uint8_t *)malloc(length + 1)) == NULL) {
        record_free(record);
        return AH_NO_MEMORY;
    }
    to = record->parts; /* nothing is longer than it is written */
    while (next_line(&at, end, &line)) {
        if (line_begins(&line, "-----BEGIN ")) {
            read = read_pem(record, line, at, end, &to);
            break;
        }
        if (!read_line(record, &line, &to)) break;
    }
    if (!read) {
        record_free(record);
        return AH_MALFORMED;
    }
    record_id(record->kind, record->der, record->id);
    sha256_begin(&sha);
    sha256_add(&sha, text, length);
    sha256_end(&sha, record->digest);
    *out = record;
    return AH_OK;
}

#endif
