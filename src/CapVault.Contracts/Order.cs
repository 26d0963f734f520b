using Nethereum.ABI.FunctionEncoding.Attributes;

namespace CapVault.Contracts.CAPVault.ContractDefinition;

/// <summary>The terms of one order. The generator leaves out the name that EIP-712 hashes; here it is.</summary>
[Struct("Order")]
public partial class Order;
