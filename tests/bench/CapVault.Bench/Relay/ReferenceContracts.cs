using System.Numerics;
using System.Text.Json;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Bench.Relay;

/// <summary>The EntryPoint authors' SimpleAccount and its factory, from their npm package.</summary>
internal static class ReferenceContracts
{
    /// <summary>Creation code of a contract in a JSON artifact, of Hardhat (<c>bytecode</c>) or of Foundry (<c>bytecode.object</c>).</summary>
    public static byte[] Bytecode(string artifact)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(artifact));
        var bytecode = json.RootElement.GetProperty("bytecode");
        return (bytecode.ValueKind == JsonValueKind.Object ? bytecode.GetProperty("object") : bytecode).GetString()!.HexToByteArray();
    }
}

[Function("senderCreator", "address")]
internal sealed class SenderCreatorFunction : FunctionMessage;

[Function("createAccount")]
internal sealed class CreateAccountFunction : FunctionMessage
{
    [Parameter("address", "owner", 1)]
    public string Owner { get; set; } = "";

    [Parameter("uint256", "salt", 2)]
    public BigInteger Salt { get; set; }
}

[Function("getAddress", "address")]
internal sealed class GetAddressFunction : FunctionMessage
{
    [Parameter("address", "owner", 1)]
    public string Owner { get; set; } = "";

    [Parameter("uint256", "salt", 2)]
    public BigInteger Salt { get; set; }
}

[Function("execute")]
internal sealed class ExecuteFunction : FunctionMessage
{
    [Parameter("address", "dest", 1)]
    public string Target { get; set; } = "";

    [Parameter("uint256", "value", 2)]
    public BigInteger Value { get; set; }

    [Parameter("bytes", "func", 3)]
    public byte[] Data { get; set; } = [];
}

[Function("executeBatch")]
internal sealed class ExecuteBatchFunction : FunctionMessage
{
    [Parameter("tuple[]", "calls", 1)]
    public List<BatchedCall> Calls { get; set; } = [];
}

[Struct("Call")]
internal sealed class BatchedCall
{
    [Parameter("address", "target", 1)]
    public string Target { get; set; } = "";

    [Parameter("uint256", "value", 2)]
    public BigInteger Value { get; set; }

    [Parameter("bytes", "data", 3)]
    public byte[] Data { get; set; } = [];
}
