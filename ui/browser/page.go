package browser

import (
	"html/template"
	"net/http"
)

// Page is the words of the page that the browser shows in the end, in the person's language. What is empty is English.
type Page struct {
	Language string // of the words, a BCP 47 tag
	Title    string
	Done     string // the sign-in was taken
	Unusable string // it was not
}

func (p Page) done() string {
	return or(p.Done, "You are signed in. You can close this window.")
}

func (p Page) unusable() string {
	return or(p.Unusable, "This sign-in could not be used. Go back to Holdfast and sign in again.")
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// shown is the page. It loads nothing and runs nothing.
var shown = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.125rem/1.5 system-ui, sans-serif; }
main { max-width: 28rem; padding: 2rem; text-align: center; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
p { margin: 0; text-wrap: balance; }
</style>
</head>
<body><main><h1>{{.Title}}</h1><p>{{.Text}}</p></main></body>
</html>
`))

// head sets what every answer says: it is not to be kept, and neither framed nor told to anybody else.
func head(out http.ResponseWriter) {
	for name, value := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		out.Header().Set(name, value)
	}
}

// write answers with the page.
func (p Page) write(out http.ResponseWriter, status int, text string) {
	head(out)
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	out.WriteHeader(status)
	_ = shown.Execute(out, struct{ Language, Title, Text string }{or(p.Language, "en"), or(p.Title, "Holdfast"), text}) // a browser that is gone needs no page
}
