module github.com/photogate/photogate/clients/go

go 1.19
