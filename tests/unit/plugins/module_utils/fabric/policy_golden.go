//go:build ignore

// Writes policy_golden.json. Run it where the pinned Fabric is:
//
//	cd images/pins/fabric-2.5.9 && go run -mod=mod ../../../tests/unit/plugins/module_utils/fabric/policy_golden.go

package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/golang/protobuf/proto"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/common/policydsl"
)

func main() {
	texts := []string{
		"AND('Org1MSP.peer', 'Org2MSP.peer')",
		"OR('Org1MSP.member')",
		"or('Org1MSP.admin', \"Org2MSP.client\")",
		"OutOf(2, 'Org1MSP.peer', 'Org2MSP.peer', 'Org3MSP.peer')",
		"outof('1', 'Org1MSP.orderer', 'Org2MSP.member')",
		"AND('Org1MSP.peer', OR('Org2MSP.peer', AND('Org3MSP.peer', 'Org1MSP.admin')))",
		"And( 'org-1.example.MSP.peer' ,Or('B.peer','C.peer'))",
		"OutOf(1, OutOf(2, 'A.peer', 'B.peer'), 'A.peer')",
		"AND('Org1MSP.peer', 'Org1MSP.peer')",
		"'Org1MSP.peer'",
		"AND('Org1MSP.boss')",
		"AND(Org1MSP.peer)",
		"XOR('Org1MSP.peer', 'Org2MSP.peer')",
		"AND('Org1MSP.peer'",
		"AND()",
		"AND('Org_1MSP.peer', 'B.peer')",
		"OutOf('Org1MSP.peer', 'Org2MSP.peer')",
		"OutOf(4, 'A.peer', 'B.peer')",
		"OutOf(3, 'A.peer', 'B.peer')",
		"OutOf(0, 'A.peer')",
		"",
	}
	out := map[string]string{}
	for _, text := range texts {
		env, err := policydsl.FromString(text)
		if err != nil {
			out[text] = "error"
			continue
		}
		b, err := proto.Marshal(&pb.ApplicationPolicy{Type: &pb.ApplicationPolicy_SignaturePolicy{SignaturePolicy: env}})
		if err != nil {
			panic(err)
		}
		out[text] = hex.EncodeToString(b)
	}
	j, _ := json.MarshalIndent(out, "", "  ")
	fmt.Println(string(j))
}
