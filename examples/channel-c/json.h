/* The little JSON that a plugin in C needs for its configuration: the members of one object. dtud has checked the text
 * against the schema and filled in the defaults; what is read here all the same never leaves the text. */
#ifndef JSON_H_
#define JSON_H_

#include <dtu/abi.h>
#include <stdbool.h>
#include <string.h>

static uint64_t json_blanks(dtu_str json, uint64_t at) {
  while (at < json.len && strchr(" \t\r\n", json.ptr[at]) != NULL && json.ptr[at] != '\0') ++at;
  return at;
}

/* The place behind the text that begins at `at`; 0: it does not end. */
static uint64_t json_behind_text(dtu_str json, uint64_t at) {
  for (++at; at < json.len; ++at) {
    if (json.ptr[at] == '\\')
      ++at; /* the next character is no end */
    else if (json.ptr[at] == '"')
      return at + 1;
  }
  return 0;
}

/* The place behind the value that begins at `at`: its comma, or the end of the object. 0: there is none. */
static uint64_t json_behind_value(dtu_str json, uint64_t at) {
  for (uint64_t depth = 0; at < json.len; ++at) {
    const char c = json.ptr[at];
    if (c == '"') {
      at = json_behind_text(json, at);
      if (at == 0) return 0;
      --at;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
      return at;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return 0;
}

/* True: `value` is that of `key` in the outermost object, as it stands there: `64`, `"text"`, `[1, 2]`. */
static bool json_member(dtu_str json, const char* key, dtu_str* value) {
  uint64_t at = json_blanks(json, 0);
  if (at >= json.len || json.ptr[at] != '{') return false;
  do {
    at = json_blanks(json, at + 1);
    if (at >= json.len || json.ptr[at] != '"') return false;
    const char* name = json.ptr + at + 1;
    const uint64_t behind_name = json_behind_text(json, at);
    if (behind_name == 0) return false;
    const uint64_t length = behind_name - at - 2; /* without its quotation marks */
    const uint64_t colon = json_blanks(json, behind_name);
    if (colon >= json.len || json.ptr[colon] != ':') return false;
    const uint64_t begin = json_blanks(json, colon + 1);
    at = json_behind_value(json, begin);
    if (at == 0) return false;
    if (length == strlen(key) && memcmp(name, key, length) == 0) {
      uint64_t end = at;
      while (end > begin && strchr(" \t\r\n", json.ptr[end - 1]) != NULL) --end;
      *value = (dtu_str){json.ptr + begin, end - begin};
      return true;
    }
  } while (json.ptr[at] == ',');
  return false;
}

/* True: it is a whole number from 0 to 10^18, and so written ("64", not "6.4e1"). */
static bool json_number(dtu_str value, uint64_t* number) {
  if (value.len == 0 || value.len > 18) return false;
  *number = 0;
  for (uint64_t k = 0; k < value.len; ++k) {
    if (value.ptr[k] < '0' || value.ptr[k] > '9') return false;
    *number = *number * 10 + (uint64_t)(value.ptr[k] - '0');
  }
  return true;
}

#endif /* JSON_H_ */
