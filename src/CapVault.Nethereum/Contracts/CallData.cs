using Nethereum.ABI;
using Nethereum.ABI.FunctionEncoding;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;

namespace Nethereum.Contracts;

/// <summary>Call data, results and reverts as bytes.</summary>
internal static class CallData
{
    private const int SelectorSize = 4;

    public static byte[] Encode(object functionMessage) => ParameterList.Of(functionMessage.GetType())
        .Encode(functionMessage, ABITypedRegistry.GetFunctionABI(functionMessage.GetType()).Sha3Signature.HexToByteArray());

    /// <summary>Whether the data begins with the selector of 8 hexadecimal digits.</summary>
    public static bool HasSelector(string data, string selector) =>
        data is not null && data.RemoveHexPrefix().StartsWith(selector, StringComparison.OrdinalIgnoreCase);

    /// <summary>Fills the [Parameter] properties of `target` from the arguments behind the selector.</summary>
    public static T DecodeArguments<T>(T target, string selector, string data)
    {
        if (!HasSelector(data, selector))
        {
            throw new ArgumentException($"Found data beginning {data?[..Math.Min(data.Length, 10)]}, expected the selector 0x{selector} of {target.GetType().Name}.", nameof(data));
        }

        ParameterList.Of(target.GetType()).Read(new AbiReader(data.HexToByteArray(), SelectorSize), SelectorSize, target);
        return target;
    }

    /// <summary>The one result of a function; the type's default for empty data, which is what an address without code returns.</summary>
    public static TReturn DecodeResult<TReturn>(string abiType, byte[] output)
    {
        if (output.Length == 0)
        {
            return default;
        }

        var type = AbiTypes.Create(abiType, typeof(TReturn));
        var reader = new AbiReader(output, 0);
        return (TReturn)type.Read(reader, type.IsDynamic ? reader.Size(0) : 0, typeof(TReturn));
    }

    /// <summary>The results of a function as an object; null for empty data.</summary>
    public static TOutput DecodeResults<TOutput>(byte[] output) where TOutput : new()
    {
        if (output.Length == 0)
        {
            return default;
        }

        var result = new TOutput();
        ParameterList.Of(typeof(TOutput)).Read(new AbiReader(output, 0), 0, result);
        return result;
    }

    /// <summary>Turns an answer that carries revert data into the exception for it; does nothing for another error.</summary>
    public static void ThrowIfReverted(RpcResponseException exception)
    {
        var data = exception.RpcError.GetDataAsString();
        if (!data.IsHex())
        {
            return;
        }

        if (HasSelector(data, ABITypedRegistry.GetError<ErrorMessage>().Sha3Signature))
        {
            var message = DecodeArguments(new ErrorMessage(), ABITypedRegistry.GetError<ErrorMessage>().Sha3Signature, data);
            throw new SmartContractRevertException(message.Message, data, exception);
        }

        throw new SmartContractCustomErrorRevertException(data);
    }

    /// <summary>What `require(…, "text")` and `revert("text")` give.</summary>
    [Error("Error")]
    private sealed class ErrorMessage
    {
        [Parameter("string", "message", 1)]
        public string Message { get; set; }
    }
}
