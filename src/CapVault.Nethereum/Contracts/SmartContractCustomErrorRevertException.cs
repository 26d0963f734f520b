namespace Nethereum.Contracts;

/// <summary>A call reverted with a custom error.</summary>
public class SmartContractCustomErrorRevertException : Exception
{
    public SmartContractCustomErrorRevertException(string encodedData) : base("Smart contract error") => ExceptionEncodedData = encodedData;

    /// <summary>The revert data, as hexadecimal with 0x.</summary>
    public string ExceptionEncodedData { get; set; }

    public bool IsCustomErrorFor<TError>() => IsCustomErrorFor(typeof(TError));

    public bool IsCustomErrorFor(Type errorType) => CallData.HasSelector(ExceptionEncodedData, ABITypedRegistry.GetError(errorType).Sha3Signature);

    /// <exception cref="ArgumentException">The data is of another error.</exception>
    public TError DecodeError<TError>() where TError : class, new() => (TError)DecodeError(typeof(TError));

    /// <exception cref="ArgumentException">The data is of another error.</exception>
    public object DecodeError(Type errorType) =>
        CallData.DecodeArguments(Activator.CreateInstance(errorType), ABITypedRegistry.GetError(errorType).Sha3Signature, ExceptionEncodedData);
}
