module github.com/tidegate/tidegate/hack/graphschema

go 1.26.0
