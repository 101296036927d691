module photogate-driver

go 1.19

require github.com/photogate/photogate/clients/go v0.0.0

replace github.com/photogate/photogate/clients/go => ../../../clients/go
