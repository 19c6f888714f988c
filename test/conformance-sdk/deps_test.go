package conformancesdk

import (
	_ "github.com/microsoftgraph/msgraph-beta-sdk-go/devicemanagement"
	_ "github.com/microsoftgraph/msgraph-beta-sdk-go/models"
	_ "github.com/microsoftgraph/msgraph-sdk-go-core"
	_ "github.com/tidegate/tidegate/internal/graph"
	_ "github.com/tidegate/tidegate/internal/tenantsim"
)
